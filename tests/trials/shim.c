/* Stands between a program and the system: counts its calls on the files of its state and on its network sockets, and
 * fails one of them or all from one on, or ends the program at one of them as a power cut would. A file named by ARALDO_SHIM, shared with
 * the test, says which; a path that contains ARALDO_SHIM_STATE is of the state.
 *
 * What was written to a database file or its log and not synced since can be taken back, as a disk takes it back that
 * never wrote it: when the power goes, and when a sync fails. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { SYNC = 1, WRITE = 2, READ = 4, OPEN = 8, SEND = 16, RECEIVE = 32, CONNECT = 64 };

/* As shim.rs has it. */
struct control {
    _Atomic uint64_t kinds;    /* which kinds of calls count */
    _Atomic uint64_t calls;    /* calls of these kinds so far */
    _Atomic uint64_t at;       /* the call that is hit, from 1; 0 is none */
    _Atomic uint64_t error;    /* what a call on a file fails with; on a socket it is a reset */
    _Atomic uint64_t cut;      /* not 0: the power goes instead */
    _Atomic uint64_t take_back; /* not 0: what was not synced is lost */
    _Atomic uint64_t hits;     /* how often a call was hit */
    _Atomic uint64_t onwards;  /* not 0: every call from `at` on is hit */
};

static struct control none, *control = &none;
static const char *state;

enum { DESCRIPTORS = 65536, FILES = 16 };
static unsigned char is_file[DESCRIPTORS], is_socket[DESCRIPTORS];
/* Which database file a descriptor is of, from 1. */
static unsigned char file_of[DESCRIPTORS];
static char *paths[FILES];

struct undo {
    struct undo *before;
    int file;
    off_t offset, size; /* the file's size before */
    size_t length;
    char octets[];
};
static struct undo *newest;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name) ((__typeof__(&name))real(#name))
static void *real(const char *name) {
    return dlsym(RTLD_NEXT, name);
}

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("ARALDO_SHIM");
    state = getenv("ARALDO_SHIM_STATE");
    int fd = path && state ? REAL(open)(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *shared = mmap(NULL, sizeof none, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (shared != MAP_FAILED)
        control = shared;
    REAL(close)(fd);
}

static int known(int fd) {
    return fd >= 0 && fd < DESCRIPTORS;
}

static void write_back(void) {
    for (struct undo *undo = newest; undo; undo = undo->before) {
        int fd = REAL(open)(paths[undo->file], O_RDWR | O_CLOEXEC);
        if (fd < 0)
            continue;
        if (undo->length && REAL(pwrite)(fd, undo->octets, undo->length, undo->offset) < 0)
            abort();
        if (REAL(ftruncate)(fd, undo->size) < 0)
            abort();
        REAL(close)(fd);
    }
    newest = NULL;
}

/* Whether this call is to fail. Does not return where the power goes. */
static int hit(unsigned kind) {
    if (!(atomic_load(&control->kinds) & kind))
        return 0;
    uint64_t call = atomic_fetch_add(&control->calls, 1) + 1;
    uint64_t at = atomic_load(&control->at);
    if (atomic_load(&control->onwards) ? !at || call < at : call != at)
        return 0;
    if (atomic_load(&control->take_back) && (kind == SYNC || atomic_load(&control->cut))) {
        /* Nobody writes any more; the lock is kept where the end follows. */
        pthread_mutex_lock(&lock);
        write_back();
        if (!atomic_load(&control->cut))
            pthread_mutex_unlock(&lock);
    }
    atomic_fetch_add(&control->hits, 1);
    if (atomic_load(&control->cut)) {
        kill(getpid(), SIGKILL);
        for (;;)
            pause();
    }
    errno = kind & (SEND | RECEIVE) ? ECONNRESET : kind == CONNECT ? ECONNREFUSED : (int)atomic_load(&control->error);
    return 1;
}

/* Keeps what a change of a database file takes away. */
static void remember(int fd, off_t offset, size_t length) {
    struct stat stat;
    if (!known(fd) || !file_of[fd] || !atomic_load(&control->take_back) || fstat(fd, &stat) < 0)
        return;
    struct undo *undo = malloc(sizeof *undo + length);
    if (!undo)
        abort();
    ssize_t got = REAL(pread)(fd, undo->octets, length, offset);
    undo->length = got < 0 ? 0 : (size_t)got;
    undo->offset = offset;
    undo->size = stat.st_size;
    undo->file = file_of[fd];
    undo->before = newest;
    newest = undo;
}

static void forget(int fd) {
    pthread_mutex_lock(&lock);
    struct undo **place = &newest;
    while (known(fd) && *place) {
        struct undo *undo = *place;
        if (undo->file == file_of[fd]) {
            *place = undo->before;
            free(undo);
        } else {
            place = &undo->before;
        }
    }
    pthread_mutex_unlock(&lock);
}

static int opened(int fd, const char *path) {
    if (!known(fd))
        return fd;
    is_socket[fd] = 0;
    is_file[fd] = state && strstr(path, state) != NULL;
    file_of[fd] = 0;
    size_t length = strlen(path);
    int database = length > 3 && !strcmp(path + length - 3, ".db");
    int log = length > 4 && !strcmp(path + length - 4, "-wal");
    if (!is_file[fd] || !(database || log))
        return fd;
    pthread_mutex_lock(&lock);
    for (int file = 1; file < FILES && !file_of[fd]; file++) {
        if (!paths[file])
            paths[file] = strdup(path);
        if (!strcmp(paths[file], path))
            file_of[fd] = (unsigned char)file;
    }
    pthread_mutex_unlock(&lock);
    return fd;
}

static int open_at(int at, const char *path, int flags, mode_t mode) {
    if (state && strstr(path, state) && hit(OPEN))
        return -1;
    return opened(REAL(openat)(at, path, flags, mode), path);
}

#define OPEN_AT(at)                                                                                                    \
    va_list list;                                                                                                      \
    va_start(list, flags);                                                                                             \
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0;                                            \
    va_end(list);                                                                                                      \
    return open_at(at, path, flags, mode)

int open(const char *path, int flags, ...) { OPEN_AT(AT_FDCWD); }
int open64(const char *path, int flags, ...) { OPEN_AT(AT_FDCWD); }
int openat(int at, const char *path, int flags, ...) { OPEN_AT(at); }
int openat64(int at, const char *path, int flags, ...) { OPEN_AT(at); }

int close(int fd) {
    if (known(fd))
        is_file[fd] = is_socket[fd] = file_of[fd] = 0;
    return REAL(close)(fd);
}

static int synced(int fd, int (*sync)(int)) {
    if (known(fd) && is_file[fd] && hit(SYNC))
        return -1;
    int done = sync(fd);
    if (done == 0)
        forget(fd);
    return done;
}

int fsync(int fd) { return synced(fd, REAL(fsync)); }
int fdatasync(int fd) { return synced(fd, REAL(fdatasync)); }

static ssize_t put(int fd, const void *octets, size_t length, off_t offset) {
    if (known(fd) && is_file[fd] && hit(WRITE))
        return -1;
    pthread_mutex_lock(&lock);
    remember(fd, offset, length);
    ssize_t done = REAL(pwrite)(fd, octets, length, offset);
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t pwrite(int fd, const void *octets, size_t length, off_t offset) { return put(fd, octets, length, offset); }
ssize_t pwrite64(int fd, const void *octets, size_t length, off_t offset) { return put(fd, octets, length, offset); }

static int cut_off(int fd, off_t size) {
    struct stat stat;
    if (known(fd) && is_file[fd] && hit(WRITE))
        return -1;
    pthread_mutex_lock(&lock);
    if (fstat(fd, &stat) == 0)
        remember(fd, size, stat.st_size > size ? (size_t)(stat.st_size - size) : 0);
    int done = REAL(ftruncate)(fd, size);
    pthread_mutex_unlock(&lock);
    return done;
}

int ftruncate(int fd, off_t size) { return cut_off(fd, size); }
int ftruncate64(int fd, off_t size) { return cut_off(fd, size); }

static int reads(int fd) { return known(fd) && ((is_file[fd] && hit(READ)) || (is_socket[fd] && hit(RECEIVE))); }
static int writes(int fd) { return known(fd) && ((is_file[fd] && hit(WRITE)) || (is_socket[fd] && hit(SEND))); }

ssize_t pread(int fd, void *to, size_t length, off_t offset) {
    return reads(fd) ? -1 : REAL(pread)(fd, to, length, offset);
}
ssize_t pread64(int fd, void *to, size_t length, off_t offset) {
    return reads(fd) ? -1 : REAL(pread)(fd, to, length, offset);
}
ssize_t read(int fd, void *to, size_t length) { return reads(fd) ? -1 : REAL(read)(fd, to, length); }
ssize_t readv(int fd, const struct iovec *to, int count) { return reads(fd) ? -1 : REAL(readv)(fd, to, count); }
ssize_t recv(int fd, void *to, size_t length, int flags) { return reads(fd) ? -1 : REAL(recv)(fd, to, length, flags); }
ssize_t write(int fd, const void *from, size_t length) { return writes(fd) ? -1 : REAL(write)(fd, from, length); }
ssize_t writev(int fd, const struct iovec *from, int count) { return writes(fd) ? -1 : REAL(writev)(fd, from, count); }
ssize_t send(int fd, const void *from, size_t length, int flags) {
    return writes(fd) ? -1 : REAL(send)(fd, from, length, flags);
}

static int network(int fd, int family) {
    if (known(fd)) {
        is_socket[fd] = family == AF_INET || family == AF_INET6;
        is_file[fd] = file_of[fd] = 0;
    }
    return fd;
}

int socket(int family, int type, int protocol) {
    if ((family == AF_INET || family == AF_INET6) && hit(OPEN))
        return -1;
    return network(REAL(socket)(family, type, protocol), family);
}
int connect(int fd, const struct sockaddr *to, socklen_t length) {
    return known(fd) && is_socket[fd] && hit(CONNECT) ? -1 : REAL(connect)(fd, to, length);
}
int accept4(int fd, struct sockaddr *from, socklen_t *length, int flags) {
    if (known(fd) && is_socket[fd] && hit(CONNECT))
        return -1;
    return network(REAL(accept4)(fd, from, length, flags), AF_INET);
}
