/*
 * What gcc's unwinder (libgcc_eh.a) takes from glibc, for programs that musl is linked into. With it,
 * libgcc_eh.a stands in for LLVM's libunwind.a, which Rust's std asks for and Debian has for glibc
 * alone. Without it a panic would end the process instead of the piece of work that caused it.
 */
#define _GNU_SOURCE
#include <link.h>
#include <pthread.h>
#include <stddef.h>

/* _dl_find_object(3), as far as the unwinder reads what it finds. */
struct dl_find_object {
    unsigned long long flags;
    void *map_start;
    void *map_end;
    struct link_map *link_map;
    void *eh_frame;
    unsigned long long reserved[7];
};

struct search {
    ElfW(Addr) pc;
    void *eh_frame;
};

/* Ends the search if the address is in one of the object's segments. */
static int search_object(struct dl_phdr_info *object, size_t size, void *argument)
{
    struct search *search = argument;
    const ElfW(Phdr) *eh_frame = NULL, *holds = NULL;

    (void)size;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];

        if (segment->p_type == PT_GNU_EH_FRAME)
            eh_frame = segment;
        if (segment->p_type == PT_LOAD &&
            search->pc - (object->dlpi_addr + segment->p_vaddr) < segment->p_memsz)
            holds = segment;
    }
    if (!holds || !eh_frame)
        return 0;
    search->eh_frame = (void *)(object->dlpi_addr + eh_frame->p_vaddr);
    return 1;
}

int _dl_find_object(void *pc, struct dl_find_object *found)
{
    struct search search = { (ElfW(Addr))pc, NULL };

    if (!dl_iterate_phdr(search_object, &search))
        return -1;
    found->eh_frame = search.eh_frame;
    return 0;
}

/*
 * The unwinder refers to these weakly: where they are missing it takes it that there are no threads,
 * or calls address 0. musl has them, in members of its archive that a weak reference leaves out.
 */
extern int __pthread_key_create(pthread_key_t *, void (*)(void *));

__attribute__((used)) static void *const needed[] = {
    (void *)__pthread_key_create, (void *)pthread_getspecific,  (void *)pthread_key_create,
    (void *)pthread_mutex_lock,   (void *)pthread_mutex_unlock, (void *)pthread_once,
    (void *)pthread_setspecific,
};
