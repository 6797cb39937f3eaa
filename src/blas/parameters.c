/* parameters.c -- see parameters.h; docs/blas.md says how they were found and what they give. */
#include "blas/parameters.h"

const cln_gemm_row cln_gemm_parameters[] = {
    { true,
      "Xgemm",
      { "GEMMK", "KREG", "KWG", "KWI", "MDIMA", "MDIMC", "MWG", "NDIMB", "NDIMC", "NWG", "SA", "SB", "STRM",
        "STRN", "VWM", "VWN" },
      { 0, 1, 32, 2, 8, 8, 64, 32, 8, 128, 0, 0, 0, 0, 8, 4 } },
    { true,
      "XgemmDirect",
      { "KWID", "MDIMAD", "MDIMCD", "NDIMBD", "NDIMCD", "PADA", "PADB", "VWMD", "VWND", "WGD" },
      { 2, 8, 32, 32, 8, 1, 1, 2, 2, 64 } },
    { false, NULL, { NULL }, { 0 } },
};
