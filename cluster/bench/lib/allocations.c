// Counts the memory a program asks for: preloaded (LD_PRELOAD), it stands before malloc and its kin.
//
// MM_ALLOCATIONS names a file of 2 * 48 unsigned 64-bit numbers, mapped shared, that the reader may look at at any
// time: number of requests and sum of their bytes for each size class (class n holds sizes of 2^n up to 2^(n+1) - 1).
// Frees are not counted: what is asked of here is work done per request, not memory held. A realloc that moves or
// grows counts in full, as its bytes may be copied. A program that brings an allocator of its own is not seen.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { CLASSES = 48 };

typedef struct {
  uint64_t calls[CLASSES], bytes[CLASSES];
} Counts;

static Counts before_start;  // takes what is counted until the file is mapped
static Counts* counts = &before_start;
static char bootstrap[16384];  // dlsym itself may allocate before malloc is known
static size_t bootstrap_used;
static void* (*real_malloc)(size_t);
static void* (*real_calloc)(size_t, size_t);
static void* (*real_realloc)(void*, size_t);
static int (*real_posix_memalign)(void**, size_t, size_t);
static void* (*real_aligned_alloc)(size_t, size_t);
static void* (*real_memalign)(size_t, size_t);
static void (*real_free)(void*);

static void count(size_t size) {
  int class = size ? 63 - __builtin_clzll(size) : 0;
  if (class >= CLASSES) class = CLASSES - 1;
  __atomic_fetch_add(&counts->calls[class], 1, __ATOMIC_RELAXED);
  __atomic_fetch_add(&counts->bytes[class], size, __ATOMIC_RELAXED);
}

__attribute__((constructor)) static void map_counts(void) {
  const char* name = getenv("MM_ALLOCATIONS");
  int file = name ? open(name, O_RDWR | O_CLOEXEC) : -1;
  if (file < 0) return;
  void* mapped = mmap(NULL, sizeof(Counts), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (mapped != MAP_FAILED) counts = mapped;
}

static void find_real(void) {
  static __thread int looking;
  if (looking) return;
  looking = 1;
  real_calloc = (void* (*)(size_t, size_t))dlsym(RTLD_NEXT, "calloc");
  real_realloc = (void* (*)(void*, size_t))dlsym(RTLD_NEXT, "realloc");
  real_posix_memalign = (int (*)(void**, size_t, size_t))dlsym(RTLD_NEXT, "posix_memalign");
  real_aligned_alloc = (void* (*)(size_t, size_t))dlsym(RTLD_NEXT, "aligned_alloc");
  real_memalign = (void* (*)(size_t, size_t))dlsym(RTLD_NEXT, "memalign");
  real_free = (void (*)(void*))dlsym(RTLD_NEXT, "free");
  __atomic_store_n(&real_malloc, (void* (*)(size_t))dlsym(RTLD_NEXT, "malloc"), __ATOMIC_RELEASE);
  looking = 0;
}

static int known(void) {
  if (!__atomic_load_n(&real_malloc, __ATOMIC_ACQUIRE)) find_real();
  return real_malloc != NULL;
}

static void* from_bootstrap(size_t size) {
  size_t rounded = (size + 15) & ~(size_t)15;
  if (rounded < size || rounded > sizeof bootstrap - bootstrap_used) return NULL;
  void* taken = bootstrap + bootstrap_used;
  bootstrap_used += rounded;
  return taken;
}

static int in_bootstrap(const void* p) {
  return (const char*)p >= bootstrap && (const char*)p < bootstrap + sizeof bootstrap;
}

void* malloc(size_t size) {
  if (!known()) return from_bootstrap(size);
  count(size);
  return real_malloc(size);
}

void* calloc(size_t number, size_t size) {
  if (!known()) return from_bootstrap(number * size);  // dlsym asks for a few bytes; the room is zero
  count(number * size);
  return real_calloc(number, size);
}

void* realloc(void* old, size_t size) {
  if (in_bootstrap(old)) {
    void* moved = malloc(size);
    size_t room = (size_t)(bootstrap + sizeof bootstrap - (char*)old);
    if (moved) memcpy(moved, old, size < room ? size : room);
    return moved;
  }
  if (!known()) return from_bootstrap(size);
  count(size);
  return real_realloc(old, size);
}

int posix_memalign(void** result, size_t alignment, size_t size) {
  if (!known()) return ENOMEM;
  count(size);
  return real_posix_memalign(result, alignment, size);
}

void* aligned_alloc(size_t alignment, size_t size) {
  if (!known()) return NULL;
  count(size);
  return real_aligned_alloc(alignment, size);
}

void* memalign(size_t alignment, size_t size) {
  if (!known()) return NULL;
  count(size);
  return real_memalign(alignment, size);
}

void free(void* p) {
  if (in_bootstrap(p) || !known()) return;
  real_free(p);
}
