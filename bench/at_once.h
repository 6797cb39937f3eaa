/* at_once.h -- what bench/enqueue.c shares with its OpenCL layer. */
#ifndef AT_ONCE_H
#define AT_ONCE_H

typedef struct at_once_state {
    int on; /* 1: the layer answers; 0: it passes on, and remembers answers to queries */
    unsigned long launches, calls; /* since it is on */
} at_once_state;

#endif
