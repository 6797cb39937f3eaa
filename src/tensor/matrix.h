/* matrix.h -- a tensor as a matrix: some axes along its rows, the others along its columns. */
#ifndef CLN_MATRIX_H
#define CLN_MATRIX_H

#include "clnorm.h"

#define CLN_MATRIX_AXES 6

/* Side 0 is the index of a row, side 1 that of a column; axes innermost first, in C order of the side. Twin of `matrix` in
 * cl/common/matrix.clh. */
typedef struct cln_matrix {
    uint32_t count[2]; /* of rows, of columns */
    uint32_t axes[2];
    uint32_t length[2][CLN_MATRIX_AXES];
    int64_t step[2][CLN_MATRIX_AXES];
} cln_matrix;

/* columns: the axes along a row, bit per axis. Axes that lie behind each other in memory are one. ESHAPE where a side has more
 * than 2^31 - 1 indices. The tensor's strides are complete. */
clnorm_status cln_matrix_of(cln_matrix *out, const clnorm_tensor *t, uint32_t columns);

#endif
