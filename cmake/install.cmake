# What `cmake --install` lays out: library, headers, CMake package, pkg-config file, command, man page, completion.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/clnorm)

install(TARGETS clnorm EXPORT clnormTargets
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
set(headers clnorm.h clnorm_fold.h clnorm_ops.h clnorm_ops_head.h clnorm_ops_info.h clnorm_ops_input.h
  clnorm_ops_layers.h clnorm_ops_matrix.h clnorm_status.h clnorm_tensor.h clnorm_whiten.h)
list(TRANSFORM headers PREPEND ${PROJECT_SOURCE_DIR}/include/clnorm/)
install(FILES ${headers} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/clnorm)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

# find_package(clnorm). Until 1.0 a new minor version may break what is built against the last.
install(EXPORT clnormTargets NAMESPACE clnorm:: DESTINATION ${package_dir})
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/clnormConfig.cmake.in
  ${CMAKE_CURRENT_BINARY_DIR}/clnormConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/clnormConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/clnormConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/clnormConfigVersion.cmake
  DESTINATION ${package_dir})

# pkg-config. The prefix is found from the file's own place, so that `cmake --install --prefix` may move it.
if(IS_ABSOLUTE ${CMAKE_INSTALL_LIBDIR})
  set(pc_prefix ${CMAKE_INSTALL_PREFIX})
else()
  file(RELATIVE_PATH pc_prefix /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
  string(REGEX REPLACE "/$" "" pc_prefix "\${pcfiledir}/${pc_prefix}")
endif()
set(pc_blas)
if(CLNORM_HAS_CLBLAST)
  set(pc_blas "-lclblast -llapacke -lblas ")
endif()
configure_file(${PROJECT_SOURCE_DIR}/cmake/clnorm.pc.in ${CMAKE_CURRENT_BINARY_DIR}/clnorm.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/clnorm.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# The command (installed by src/cli) finds its library beside itself, wherever both are put.
if(TARGET clnorm_command)
  if(NOT IS_ABSOLUTE ${CMAKE_INSTALL_LIBDIR} AND NOT APPLE)
    set_target_properties(clnorm_command PROPERTIES INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
  endif()
  install(FILES ${PROJECT_SOURCE_DIR}/docs/clnorm.bash OPTIONAL
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME clnorm)
  find_program(SCDOC scdoc)
  if(SCDOC AND EXISTS ${PROJECT_SOURCE_DIR}/docs/clnorm.1.scd)
    add_custom_command(OUTPUT clnorm.1
      COMMAND sh -c "'${SCDOC}' <'${PROJECT_SOURCE_DIR}/docs/clnorm.1.scd' >clnorm.1"
      DEPENDS ${PROJECT_SOURCE_DIR}/docs/clnorm.1.scd VERBATIM)
    add_custom_target(clnorm_man ALL DEPENDS clnorm.1)
    install(FILES ${CMAKE_CURRENT_BINARY_DIR}/clnorm.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
  endif()
endif()
