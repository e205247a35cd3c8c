/* A file layer that fails on purpose: every call that changes something below one folder is counted, and from the
   n-th one on the process is killed or asked to end, the disk is full, broken or read-only. Preloaded before libc. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { COUNT = 0, KILL = 1, BROKEN_ONCE = 2, FULL = 3, READ_ONLY = 4, TERMINATE = 5 };
enum { TAKES_SPACE = 1, FREES_SPACE = 0 };

static char root[PATH_MAX];
static size_t root_length;
static long moment, seen;
static int mode, log_fd = -1, is_armed;

void fault_arm(const char *folder, long at, int how, int log) {
    strncpy(root, folder, sizeof root - 1);
    root_length = strlen(root);
    moment = at, mode = how, log_fd = log, seen = 0, is_armed = 1;
}
void fault_disarm(void) { is_armed = 0; }
void fault_rearm(void) { is_armed = 1; }
long fault_seen(void) { return seen; }

static int is_below(const char *path) {
    return strncmp(path, root, root_length) == 0 && (path[root_length] == '/' || path[root_length] == 0);
}

static int path_of(int fd, char *out) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = syscall(SYS_readlinkat, AT_FDCWD, link, out, PATH_MAX - 1);
    if (n < 0) return 0;
    out[n] = 0;
    return 1;
}

static void absolute(int folder, const char *path, char *out) {
    char base[PATH_MAX];
    if (path[0] == '/') { snprintf(out, PATH_MAX, "%s", path); return; }
    if (folder == AT_FDCWD) { if (syscall(SYS_getcwd, base, PATH_MAX) < 0) base[0] = 0; }
    else if (!path_of(folder, base)) base[0] = 0;
    snprintf(out, PATH_MAX, "%.2000s/%.2000s", base, path);
}

/* 0: go on. Otherwise the call fails with errno set; `dying` asks the caller to write half first. */
static int strike(const char *call, const char *path, int takes_space, int *dying) {
    if (!is_armed || !is_below(path)) return 0;
    seen++;
    if (log_fd >= 0) {
        char line[PATH_MAX + 64];
        int n = snprintf(line, sizeof line, "%s %s\n", call, path + root_length);
        syscall(SYS_write, log_fd, line, n);
    }
    if (mode == COUNT || seen < moment) return 0;
    if (mode == KILL && seen == moment) {
        if (dying) { *dying = 1; return 0; }
        syscall(SYS_kill, getpid(), SIGKILL);
    }
    if (mode == TERMINATE && seen == moment) syscall(SYS_kill, getpid(), SIGTERM);
    if (mode == BROKEN_ONCE && seen == moment) { errno = EIO; return 1; }
    if (mode == FULL && takes_space) { errno = ENOSPC; return 1; }
    if (mode == READ_ONLY) { errno = EROFS; return 1; }
    return 0;
}
static int strike_at(const char *call, int folder, const char *path, int takes_space) {
    char whole[PATH_MAX];
    if (!is_armed) return 0;
    absolute(folder, path, whole);
    return strike(call, whole, takes_space, NULL);
}
static int strike_fd(const char *call, int fd, int takes_space, int *dying) {
    char whole[PATH_MAX];
    if (!is_armed || !path_of(fd, whole)) return 0;
    return strike(call, whole, takes_space, dying);
}
static void die(void) { syscall(SYS_kill, getpid(), SIGKILL); }

#define REAL(name, type) static __typeof__(type) real; if (!real) real = (__typeof__(type))dlsym(RTLD_NEXT, name)

#define OPEN(name)                                                                          \
    int name(const char *path, int flags, ...) {                                            \
        REAL(#name, int (*)(const char *, int, ...));                                       \
        va_list rest; va_start(rest, flags); int bits = va_arg(rest, int); va_end(rest);    \
        if ((flags & (O_CREAT | O_TRUNC | O_WRONLY | O_RDWR)) &&                            \
            strike_at("open", AT_FDCWD, path, (flags & O_CREAT) != 0)) return -1;           \
        return real(path, flags, bits);                                                     \
    }
OPEN(open)
OPEN(open64)
#define OPENAT(name)                                                                        \
    int name(int folder, const char *path, int flags, ...) {                                \
        REAL(#name, int (*)(int, const char *, int, ...));                                  \
        va_list rest; va_start(rest, flags); int bits = va_arg(rest, int); va_end(rest);    \
        if ((flags & (O_CREAT | O_TRUNC | O_WRONLY | O_RDWR)) &&                            \
            strike_at("open", folder, path, (flags & O_CREAT) != 0)) return -1;             \
        return real(folder, path, flags, bits);                                             \
    }
OPENAT(openat)
OPENAT(openat64)

ssize_t write(int fd, const void *data, size_t size) {
    int dying = 0;
    if (strike_fd("write", fd, TAKES_SPACE, &dying)) return -1;
    if (dying) { syscall(SYS_write, fd, data, size / 2); die(); }
    return syscall(SYS_write, fd, data, size);
}
#define PWRITE(name)                                                                        \
    ssize_t name(int fd, const void *data, size_t size, off_t at) {                         \
        int dying = 0;                                                                      \
        if (strike_fd("write", fd, TAKES_SPACE, &dying)) return -1;                         \
        if (dying) { syscall(SYS_pwrite64, fd, data, size / 2, at); die(); }                \
        return syscall(SYS_pwrite64, fd, data, size, at);                                   \
    }
PWRITE(pwrite)
PWRITE(pwrite64)
ssize_t writev(int fd, const struct iovec *parts, int count) {
    if (strike_fd("write", fd, TAKES_SPACE, NULL)) return -1;
    return syscall(SYS_writev, fd, parts, count);
}
ssize_t sendfile(int to, int from, off_t *at, size_t size) {
    if (strike_fd("write", to, TAKES_SPACE, NULL)) return -1;
    return syscall(SYS_sendfile, to, from, at, size);
}
ssize_t sendfile64(int to, int from, off_t *at, size_t size) { return sendfile(to, from, at, size); }
ssize_t copy_file_range(int from, off_t *a, int to, off_t *b, size_t size, unsigned flags) {
    if (strike_fd("write", to, TAKES_SPACE, NULL)) return -1;
    return syscall(SYS_copy_file_range, from, a, to, b, size, flags);
}
#define TRUNCATE(name)                                                                      \
    int name(int fd, off_t size) {                                                          \
        if (strike_fd("truncate", fd, TAKES_SPACE, NULL)) return -1;                        \
        return syscall(SYS_ftruncate, fd, size);                                            \
    }
TRUNCATE(ftruncate)
TRUNCATE(ftruncate64)
int fsync(int fd) { return strike_fd("sync", fd, TAKES_SPACE, NULL) ? -1 : syscall(SYS_fsync, fd); }
int fdatasync(int fd) { return strike_fd("sync", fd, TAKES_SPACE, NULL) ? -1 : syscall(SYS_fdatasync, fd); }
int syncfs(int fd) { return strike_fd("syncfs", fd, TAKES_SPACE, NULL) ? -1 : syscall(SYS_syncfs, fd); }

int rename(const char *from, const char *to) {
    REAL("rename", int (*)(const char *, const char *));
    return strike_at("rename", AT_FDCWD, to, TAKES_SPACE) ? -1 : real(from, to);
}
int renameat(int a, const char *from, int b, const char *to) {
    REAL("renameat", int (*)(int, const char *, int, const char *));
    return strike_at("rename", b, to, TAKES_SPACE) ? -1 : real(a, from, b, to);
}
int mkdir(const char *path, mode_t bits) {
    REAL("mkdir", int (*)(const char *, mode_t));
    return strike_at("mkdir", AT_FDCWD, path, TAKES_SPACE) ? -1 : real(path, bits);
}
int mkdirat(int folder, const char *path, mode_t bits) {
    REAL("mkdirat", int (*)(int, const char *, mode_t));
    return strike_at("mkdir", folder, path, TAKES_SPACE) ? -1 : real(folder, path, bits);
}
int symlink(const char *target, const char *path) {
    REAL("symlink", int (*)(const char *, const char *));
    return strike_at("symlink", AT_FDCWD, path, TAKES_SPACE) ? -1 : real(target, path);
}
int link(const char *from, const char *to) {
    REAL("link", int (*)(const char *, const char *));
    return strike_at("link", AT_FDCWD, to, TAKES_SPACE) ? -1 : real(from, to);
}
int unlink(const char *path) {
    REAL("unlink", int (*)(const char *));
    return strike_at("unlink", AT_FDCWD, path, FREES_SPACE) ? -1 : real(path);
}
int unlinkat(int folder, const char *path, int flags) {
    REAL("unlinkat", int (*)(int, const char *, int));
    return strike_at("unlink", folder, path, FREES_SPACE) ? -1 : real(folder, path, flags);
}
int rmdir(const char *path) {
    REAL("rmdir", int (*)(const char *));
    return strike_at("rmdir", AT_FDCWD, path, FREES_SPACE) ? -1 : real(path);
}
int chmod(const char *path, mode_t bits) {
    REAL("chmod", int (*)(const char *, mode_t));
    return strike_at("chmod", AT_FDCWD, path, FREES_SPACE) ? -1 : real(path, bits);
}
int fchmod(int fd, mode_t bits) {
    REAL("fchmod", int (*)(int, mode_t));
    return strike_fd("chmod", fd, FREES_SPACE, NULL) ? -1 : real(fd, bits);
}
int fchmodat(int folder, const char *path, mode_t bits, int flags) {
    REAL("fchmodat", int (*)(int, const char *, mode_t, int));
    return strike_at("chmod", folder, path, FREES_SPACE) ? -1 : real(folder, path, bits, flags);
}
