/* layout.h -- arrays of files as tensors of the library, and back. */
#ifndef CLI_LAYOUT_H
#define CLI_LAYOUT_H

#include "cli/io.h"

/* Where the channels of a file are. It has no meaning below three axes. */
typedef enum cli_layout { CLI_FIRST, CLI_LAST } cli_layout;
extern const char *const cli_layout_names[]; /* nchw, nhwc, NULL */

/* The channel axis of a tensor of that rank; -1 where an array is one gray image. */
int cli_channel_axis(uint32_t ndim);
/* A dense array as the tensor (N,C,..) that it holds. */
clnorm_tensor cli_tensor_of(uint32_t dtype, uint32_t ndim, const int64_t *shape, cli_layout layout);
/* The same shape and type, dense in that layout. */
clnorm_tensor cli_tensor_dense(const clnorm_tensor *t, uint32_t dtype, cli_layout layout);
/* As it lies in a file that has its axis c, unless -1, behind all others; `shape` receives the file's. */
clnorm_tensor cli_tensor_last(const clnorm_tensor *t, int c, int64_t *shape);
/* The shape that a file of the tensor has in that layout. */
void cli_file_shape(int64_t *shape, const clnorm_tensor *t, cli_layout layout);
/* "(1,224,224,3)"; one of several rotating static buffers. */
const char *cli_shape_text(const int64_t *shape, uint32_t ndim);
/* Which axis of the file axis k of the tensor is. */
uint32_t cli_file_axis(uint32_t ndim, uint32_t k, cli_layout layout);
/* A dense tensor in the order of its axes becomes dense in that layout, in place. Returns
 * an exit code. */
int cli_to_layout(void *data, const clnorm_tensor *t, cli_layout layout, size_t bytes);
/* Memory that lies as `from` comes to lie as `to`, of one shape and both without holes, in place. */
int cli_relayout(void *data, const clnorm_tensor *from, const clnorm_tensor *to, size_t bytes);
/* NaN in every element of f32: the statistics of an empty set, which nothing computes.
 * Other types stay. */
void cli_fill_nan(cli_array *a);

#endif
