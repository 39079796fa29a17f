/* What `dist/crmkit` is: it runs the program whose files stand behind it in its own file.

   They are unpacked once, into a folder of a cache that bears their digest and that nobody but its owner can change.
   Later starts look at the size, mode and time of each file, and execute the program there; one that is missing or
   was changed has all of them unpacked again. Each running program holds a shared lock on its folder, so a start
   removes only folders that nobody uses.

   files.h, which release/binary.py writes, has NAME, DIGEST, STAMP and FILES, in the order in which they stand behind. */

#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#ifdef __APPLE__
#include <mach-o/dyld.h>
#define st_mtim st_mtimespec
#endif

struct file {
    const char *path;
    long size;
    mode_t mode;
};
#include "files.h"

#define COUNT (sizeof FILES / sizeof *FILES)
#define PART ".part-" /* how the name of a folder begins that is being filled, or was when its maker ended */

static char reasons[4096]; /* why each cache could not be used */

/* Note why a path cannot be used, and return 0. */
static int no(const char *path, const char *why) {
    size_t used = strlen(reasons);
    snprintf(reasons + used, sizeof reasons - used, "%s%s: %s", used ? "; " : "", path, why);
    return 0;
}

/* Write a path; end the program where it is longer than any path may be. */
static void path_of(char *out, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(out, PATH_MAX, format, arguments);
    va_end(arguments);
    if (length < 0 || length >= PATH_MAX) {
        fprintf(stderr, NAME ": a path is too long: %s\n", out);
        exit(1);
    }
}

static int is_private(const struct stat *found) {
    return found->st_uid == geteuid() && (found->st_mode & 07777) == 0700;
}

/* Tell whether nobody but root and this user can put something else in the place of this folder. */
static int is_guarded(const char *folder) {
    char path[PATH_MAX];
    struct stat found;
    path_of(path, "%s", folder);
    for (;;) {
        if (stat(path, &found))
            return no(path, strerror(errno));
        if (found.st_uid != 0 && found.st_uid != geteuid())
            return no(path, "belongs to another user");
        if ((found.st_mode & 022) && !(found.st_mode & S_ISVTX))
            return no(path, "others may write in it");
        char *slash = strrchr(path, '/');
        if (!slash || !path[1])
            return 1;
        slash[slash == path] = 0;
    }
}

/* Make the folders of a path that are missing, for this user alone. */
static void make_folders(const char *folder) {
    char path[PATH_MAX];
    path_of(path, "%s", folder);
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdir(path, 0700);
        *slash = '/';
    }
    mkdir(path, 0700);
}

/* Open a folder that this user alone can change; -1 where it is none. */
static int open_private(const char *path) {
    struct stat found;
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder >= 0 && !fstat(folder, &found) && is_private(&found))
        return folder;
    if (folder >= 0)
        close(folder);
    return -1;
}

/* Tell whether all files are in a folder, as they were when they were unpacked. */
static int is_whole(int folder) {
    struct stat found;
    for (size_t i = 0; i < COUNT; i++)
        if (fstatat(folder, FILES[i].path, &found, AT_SYMLINK_NOFOLLOW) || !S_ISREG(found.st_mode) ||
            found.st_uid != geteuid() || (found.st_mode & 07777) != FILES[i].mode || found.st_size != FILES[i].size ||
            found.st_mtim.tv_sec != STAMP)
            return 0;
    return 1;
}

/* Open the folder of this version if it is whole, with a shared lock that lasts as long as the program; else -1. */
static int open_whole(const char *path) {
    int folder = open_private(path);
    if (folder < 0)
        return -1;
    if (!flock(folder, LOCK_SH) && is_whole(folder))
        return folder;
    close(folder);
    return -1;
}

static int remove_one(const char *path, const struct stat *found, int kind, struct FTW *place) {
    (void)found, (void)kind, (void)place;
    return remove(path);
}

static void remove_folder(const char *path) { nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS); }

/* Tell whether a folder of this name was made here: another version, or what was left half done. */
static int is_ours(const char *name) {
    return strncmp(name, PART, strlen(PART)) == 0 ||
           (strlen(name) == strlen(DIGEST) && strspn(name, "0123456789abcdef") == strlen(name));
}

/* Remove a folder unless a program that runs there holds its lock. */
static void remove_unused(const char *path) {
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0)
        return;
    if (!flock(folder, LOCK_EX | LOCK_NB))
        remove_folder(path);
    close(folder);
}

/* Remove what was made here and nobody uses. The caller holds the lock of the cache. */
static void remove_others(const char *cache) {
    char path[PATH_MAX];
    DIR *entries = opendir(cache);
    if (!entries)
        return;
    for (struct dirent *entry; (entry = readdir(entries));) {
        if (!is_ours(entry->d_name) || strcmp(entry->d_name, DIGEST) == 0)
            continue;
        path_of(path, "%s/%s", cache, entry->d_name);
        remove_unused(path);
    }
    closedir(entries);
}

/* Copy this many bytes. */
static int copy(int from, int to, long size) {
    static char piece[1 << 18];
    while (size > 0) {
        ssize_t got = read(from, piece, size < (long)sizeof piece ? (size_t)size : sizeof piece);
        if (got <= 0) {
            errno = got ? errno : EIO;
            return 0;
        }
        for (ssize_t done = 0, put; done < got; done += put)
            if ((put = write(to, piece + done, got - done)) < 0)
                return 0;
        size -= got;
    }
    return 1;
}

/* Write all files into an empty folder, from a file that stands at the first of them. */
static int fill(int program, const char *folder) {
    char path[PATH_MAX], above[PATH_MAX];
    const struct timespec times[2] = {{STAMP, 0}, {STAMP, 0}};
    for (size_t i = 0; i < COUNT; i++) {
        path_of(path, "%s/%s", folder, FILES[i].path);
        path_of(above, "%s", path);
        *strrchr(above, '/') = 0;
        make_folders(above);
        int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (file < 0)
            return 0;
        int good = copy(program, file, FILES[i].size) && !fchmod(file, FILES[i].mode) && !futimens(file, times);
        int because = errno;
        if (close(file) && good)
            return 0;
        errno = because;
        if (!good)
            return 0;
    }
    return 1;
}

/* Unpack into a folder beside, and give that its name once it is whole. The caller holds the lock of the cache. */
static int unpack(int program, long start, const char *cache, const char *folder) {
    char part[PATH_MAX], old[PATH_MAX];
    path_of(part, "%s/" PART "XXXXXX", cache);
    if (!mkdtemp(part))
        return no(cache, strerror(errno));
    int opened = open(part, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int good = opened >= 0 && lseek(program, start, SEEK_SET) == start && fill(program, part);
#ifdef __linux__
    good = good && !syncfs(opened);
#endif
    int because = errno;
    if (opened >= 0)
        close(opened);
    if (good) {
        path_of(old, "%s.old", part);
        rename(folder, old); /* one that was damaged; what still runs there keeps it, under that name */
        good = !rename(part, folder);
        because = errno;
        unlink(old); /* where it was a link */
        remove_unused(old);
    }
    if (!good)
        remove_folder(part);
    return good || no(cache, strerror(because));
}

/* Open the folder of this version in a cache, unpacked first where it has to be; -1 where the cache cannot be used. */
static int open_in(const char *named, int program, long start, char *folder) {
    char above[PATH_MAX], real[PATH_MAX], cache[PATH_MAX], lock_path[PATH_MAX];
    const char *slash = strrchr(named, '/');
    struct statvfs disk;
    make_folders(named);
    path_of(above, "%.*s", slash == named ? 1 : (int)(slash - named), named);
    if (!realpath(above, real))
        return no(above, strerror(errno)) - 1;
    path_of(cache, "%s%s", real[1] ? real : "", slash); /* which must be no link: where all may write, others can make one */
    int opened = open_private(cache);
    if (opened < 0)
        return no(cache, "is no folder of this user with mode 0700") - 1;
    close(opened);
    if (!is_guarded(cache))
        return -1;
#ifdef ST_NOEXEC
    if (!statvfs(cache, &disk) && (disk.f_flag & ST_NOEXEC))
        return no(cache, "no program may run from there (noexec)") - 1;
#else
    (void)disk;
#endif
    path_of(folder, "%s/%s", cache, DIGEST);
    if ((opened = open_whole(folder)) >= 0)
        return opened;
    path_of(lock_path, "%s/.lock", cache);
    int lock = open(lock_path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (lock < 0 || flock(lock, LOCK_EX))
        return no(lock_path, strerror(errno)) - 1;
    opened = open_whole(folder); /* another start may have been first */
    if (opened < 0) {
        remove_others(cache);
        if (unpack(program, start, cache, folder) && (opened = open_whole(folder)) < 0)
            no(folder, "is not what was written there");
    }
    close(lock);
    return opened;
}

/* Open this file and find where the files behind begin; -1 where it is not whole. */
static int open_self(char *path, long *start) {
    char digest[sizeof DIGEST] = "";
#ifdef __APPLE__
    char found[PATH_MAX];
    uint32_t length = sizeof found;
    if (_NSGetExecutablePath(found, &length) || !realpath(found, path))
        return -1;
#else
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);
    if (length < 0)
        return -1;
    path[length] = 0;
#endif
#ifdef __linux__
    int program = open("/proc/self/exe", O_RDONLY | O_CLOEXEC); /* another file may stand at its path by now */
#else
    int program = open(path, O_RDONLY | O_CLOEXEC);
#endif
    long end = lseek(program, -(long)(sizeof DIGEST - 1), SEEK_END);
    if (program < 0 || end < 0 || read(program, digest, sizeof DIGEST - 1) < 0 || strcmp(digest, DIGEST) != 0)
        return -1;
    *start = end;
    for (size_t i = 0; i < COUNT; i++)
        *start -= FILES[i].size;
    return program;
}

int main(int count, char **arguments) {
    char self[PATH_MAX], folder[PATH_MAX], path[PATH_MAX], caches[4][PATH_MAX];
    const char *named = getenv("XDG_CACHE_HOME"), *home = getenv("HOME"), *temporary = getenv("TMPDIR");
    long start;
    int program = open_self(self, &start), most = 0;
    (void)count;
    if (program < 0) {
        fprintf(stderr, NAME ": this file is not whole: fetch it again\n");
        return 1;
    }
    mode_t mask = umask(077);
    if (named && *named == '/')
        path_of(caches[most++], "%s/" NAME, named);
    if (home && *home == '/')
        path_of(caches[most++], "%s/.cache/" NAME, home);
    path_of(caches[most++], "/var/tmp/" NAME "-%lu", (unsigned long)geteuid());
    path_of(caches[most++], "%s/" NAME "-%lu", temporary && *temporary == '/' ? temporary : "/tmp",
            (unsigned long)geteuid());
    for (int i = 0; i < most; i++) {
        int opened = open_in(caches[i], program, start, folder);
        if (opened < 0)
            continue;
        fcntl(opened, F_SETFD, 0); /* the lock stays with the program */
        path_of(path, "%s/" NAME, folder);
        arguments[0] = self;
        umask(mask);
        execv(path, arguments);
        no(path, strerror(errno));
        close(opened);
    }
    fprintf(stderr, NAME ": it cannot unpack itself (%s); set XDG_CACHE_HOME to a folder of yours that nobody else can change\n",
            reasons);
    return 1;
}
