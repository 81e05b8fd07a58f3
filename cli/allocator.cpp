// How the node's memory is managed (jemalloc(3), "TUNING"): what was freed goes back to the system
// after some seconds, by a thread of the allocator's own, also while nobody asks for memory.
// MALLOC_CONF in the environment counts more.
extern "C" {
extern const char* malloc_conf;
const char* malloc_conf = "background_thread:true";
}
