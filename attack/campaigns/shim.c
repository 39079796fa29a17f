/* LD_PRELOAD shim: writes or flushes of a write-ahead log (a file named ...-wal) fail while the file $ATTACK_CONTROL
   says so: "write ERRNO" or "flush ERRNO". */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fails(const char *verb, int file)
{
    char link[64], name[4096], wanted[16];
    int number = 0;
    const char *control = getenv("ATTACK_CONTROL");
    FILE *read = control ? fopen(control, "r") : NULL;
    if (!read)
        return 0;
    int found = fscanf(read, "%15s %d", wanted, &number);
    fclose(read);
    if (found != 2 || strcmp(wanted, verb))
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, name, sizeof name - 1);
    if (length < 4 || memcmp(name + length - 4, "-wal", 4))
        return 0;
    errno = number;
    return 1;
}

#define REAL(name, type) ((type)dlsym(RTLD_NEXT, name))

ssize_t write(int file, const void *from, size_t size)
{
    return fails("write", file) ? -1 : REAL("write", ssize_t (*)(int, const void *, size_t))(file, from, size);
}

ssize_t pwrite(int file, const void *from, size_t size, off_t at)
{
    return fails("write", file) ? -1 : REAL("pwrite", ssize_t (*)(int, const void *, size_t, off_t))(file, from, size, at);
}

ssize_t pwrite64(int file, const void *from, size_t size, off64_t at)
{
    return fails("write", file) ? -1
                                : REAL("pwrite64", ssize_t (*)(int, const void *, size_t, off64_t))(file, from, size, at);
}

int fsync(int file)
{
    return fails("flush", file) ? -1 : REAL("fsync", int (*)(int))(file);
}

int fdatasync(int file)
{
    return fails("flush", file) ? -1 : REAL("fdatasync", int (*)(int))(file);
}
