/* digits.h -- the images: read once, normalized on the device by an input op. */
#ifndef LAB_DIGITS_H
#define LAB_DIGITS_H

#include "rig.h"

enum { DIGITS = 1797, DIGITS_PIXELS = 64, DIGITS_TRAIN = 1280, DIGITS_TEST = 512 };
enum { DIGITS_BRIGHTEST = 16 }; /* a pixel counts the dots of 4 x 4 that are set */

typedef struct digits {
    uint8_t pixel[DIGITS][DIGITS_PIXELS], label[DIGITS];
    uint32_t order[DIGITS]; /* shuffled once: the first are for training, the next for the test */
} digits;

/* False and a sentence in `why` where the folder does not hold digits.npy and digits_labels.npy. */
bool digits_read(digits *d, const char *folder, char why[400]);

/* What becomes of a pixel on its way into the network. */
typedef enum digits_scaling {
    DIGITS_RAW,       /* 0..16, as f32 */
    DIGITS_BYTES,     /* 0..256, as an 8-bit image would come */
    DIGITS_TOTENSOR,  /* totensor: 0..1 */
    DIGITS_SYMMETRIC, /* symmetric: -1..1 */
    DIGITS_ZSCORE,    /* zscore of each image: mean 0, variance 1 */
    DIGITS_SCALINGS
} digits_scaling;
extern const char *const digits_scaling_name[DIGITS_SCALINGS];

/* All images on the device, as f32 (1797,1,8,8), and their labels. */
cl_mem digits_images(rig *r, const digits *d, digits_scaling scaling);
cl_mem digits_labels(rig *r, const digits *d);

#endif
