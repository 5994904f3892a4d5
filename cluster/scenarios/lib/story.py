"""A story as it stands in its file."""

import dataclasses
import pathlib


class StoryError(Exception):
    """A file that is no story; says which line."""


@dataclasses.dataclass(frozen=True)
class Step:
    line: int
    text: str


@dataclasses.dataclass(frozen=True)
class Story:
    """Lines that begin with `#` tell people what is shown; the first is the title. `quick` marks a story that every
    test run plays. `control: KEY=VALUE` starts the replicas with that setting; `control: STEP -> STEP` plays another
    step instead. All other lines are steps, see steps.py."""

    name: str
    title: str
    is_quick: bool
    steps: tuple
    controls: tuple

    @staticmethod
    def read(path: pathlib.Path) -> "Story":
        title, is_quick, steps, controls = "", False, [], []
        for number, line in enumerate(path.read_text().splitlines(), 1):
            text = line.strip()
            if text.startswith("#"):
                title = title or text.lstrip("# ")
            elif text == "quick":
                is_quick = True
            elif text.startswith("control: "):
                controls.append(text.removeprefix("control: "))
            elif text:
                steps.append(Step(number, text))
        if not title or not steps or not steps[0].text.startswith("start "):
            raise StoryError(f"{path.name}: a story begins with a title (#) and a step `start ...`")
        story = Story(path.stem, title, is_quick, tuple(steps), tuple(controls))
        for control in controls:
            story.controlled(control)
        return story

    def controlled(self, control: str) -> "Story":
        """This story without the mechanism that it shows."""
        if " -> " not in control:
            first = Step(self.steps[0].line, f"{self.steps[0].text} {control}")
            return dataclasses.replace(self, steps=(first, *self.steps[1:]))
        old, new = control.split(" -> ")
        if all(step.text != old for step in self.steps):
            raise StoryError(f"{self.name}: control for `{old}`, which is no step")
        steps = tuple(Step(step.line, new) if step.text == old else step for step in self.steps)
        return dataclasses.replace(self, steps=steps)
