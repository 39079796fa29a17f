/* LD_PRELOAD shim: each flush of a file takes BENCH_FLUSH_US microseconds longer (1000 unless it is set). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

static void wait_longer(void)
{
    static long extra = -1;
    if (extra < 0) {
        const char *set = getenv("BENCH_FLUSH_US");
        extra = set ? atol(set) : 1000;
    }
    usleep(extra);
}

int fsync(int file)
{
    static int (*real)(int);
    if (!real)
        real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    wait_longer();
    return real(file);
}

int fdatasync(int file)
{
    static int (*real)(int);
    if (!real)
        real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    wait_longer();
    return real(file);
}
