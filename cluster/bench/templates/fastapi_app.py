"""The obvious Python gateway: FastAPI + httpx, one worker, round robin. BACKENDS=port,port,port."""

import itertools
import os
from contextlib import asynccontextmanager
from typing import List, Optional

import httpx
from fastapi import FastAPI
from pydantic import BaseModel


class PredictRequest(BaseModel):
    model_type: str
    data: List[float]
    model_version: Optional[str] = "latest"


urls = itertools.cycle([f"http://127.0.0.1:{port}/predict" for port in os.environ["BACKENDS"].split(",")])
client: httpx.AsyncClient


@asynccontextmanager
async def life(app):
    global client
    client = httpx.AsyncClient(timeout=30, limits=httpx.Limits(max_connections=512, max_keepalive_connections=256))
    yield
    await client.aclose()


app = FastAPI(lifespan=life)


@app.post("/predict")
async def predict(request: PredictRequest):
    answer = await client.post(next(urls), json=request.model_dump())
    return answer.json()
