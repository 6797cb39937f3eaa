# Cross compiler for 64-bit Windows. Debian has OpenCL's headers but no import library for Windows, so only the
# target clnorm_objects is of use here: it shows that every file compiles.
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_C_COMPILER x86_64-w64-mingw32-gcc)
set(CMAKE_RC_COMPILER x86_64-w64-mingw32-windres)
set(CMAKE_C_FLAGS_INIT -D__USE_MINGW_ANSI_STDIO=1) # %zu is C99; the system's own printf has no such thing
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)

# /usr/include itself would bring the C library of the wrong system: CL/ and xxhash.h alone are reached by links.
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/headers)
foreach(header CL xxhash.h)
  if(EXISTS /usr/include/${header})
    file(CREATE_LINK /usr/include/${header} ${CMAKE_BINARY_DIR}/headers/${header} SYMBOLIC)
  endif()
endforeach()
set(OpenCL_INCLUDE_DIR ${CMAKE_BINARY_DIR}/headers CACHE PATH "")
set(OpenCL_LIBRARY ${CMAKE_BINARY_DIR}/headers/OpenCL.lib CACHE FILEPATH "never linked")
