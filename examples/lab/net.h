/* net.h -- the tiny network: 3 x 3 convolution, normalization, relu, 2 x 2 means, dense layer of 64,
 * normalization, relu, dense layer of 10, softmax; trained by plain gradient descent, all on the rig's queue.
 */
#ifndef LAB_NET_H
#define LAB_NET_H

#include "digits.h"
#include "norm.h"

enum { NET_CHANNELS = 16, NET_HIDDEN = 64, NET_CLASSES = 10, NET_LOGITS = 16, NET_BATCH = 64 };
enum { NET_POOLED = NET_CHANNELS * DIGITS_PIXELS / 4, NET_EPOCHS = 8 };

/* What the compiler of lab.cl must know of the above. */
#define NET_BUILD_OPTIONS "-DSIDE=8 -DPIXELS=64 -DCHANNELS=16 -DLOGITS=16 -DCLASSES=10"

typedef struct net_options {
    norm_kind conv, hidden; /* the normalizations */
    uint64_t seed;          /* of the weights and of the order of the images */
    float gain;             /* channel 0 of the convolution is multiplied by it */
    bool collapsed;         /* all channels of the convolution begin as near copies of one */
    double eps;             /* of the first normalization; 0: its own */
    float gamma;            /* what gamma starts from */
} net_options;
#define NET_OPTIONS(kind, seed)                  \
    {                                            \
        kind, kind, seed, 1.0f, false, 0.0, 1.0f \
    }

typedef enum net_part { NET_CONV, NET_CONV_NORM, NET_DENSE, NET_DENSE_NORM, NET_HEAD, NET_PARTS } net_part;

typedef struct net {
    rig *on;
    const digits *data;
    cl_mem images, labels; /* the caller's */
    int batch;             /* what the normalizations are planned for */
    norm conv_norm, hidden_norm;
    cl_mem w, dw; /* all parameters, all gradients */
    cl_mem part[NET_PARTS], dpart[NET_PARTS];
    cl_mem gain, order;
    cl_mem x, label, z, y, dz, dy, p, dp, h, a, dh, da, logits, dlogits; /* in the order of the network */
    cl_mem loss, taken;                                                  /* one per image that has passed */
} net;

void net_open(net *n, rig *r, const digits *d, cl_mem images, cl_mem labels, const net_options *o);
void net_close(net *n);

typedef struct net_course {
    int epochs, batch;
    float rate;
    uint64_t seed;
} net_course;

/* Trains, without a word from the host until the end. Returns the mean loss of the last epoch. */
double net_train(net *n, const net_course *c);

/* Predicts the test images, in batches, as they come or sorted by their class. `taken`, if not NULL, receives
 * the class of each, in the order of digits. Returns the share that is right. */
double net_test(net *n, norm_mode mode, int batch, bool sorted, uint8_t taken[DIGITS_TEST]);

/* What the convolution, normalized and rectified, says to the first 64 test images: (64, 16, 64). */
void net_responses(net *n, float *out);

#endif
