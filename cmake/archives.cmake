# Large data is kept as .tar.xz archives and unpacked when the build is configured, again whenever an
# archive changes. bench/gpu/pack.sh does the same, with the same stamps, for a machine that has the
# sources and the programs only.

# Unpacks every archive in `from` into `to`, unless `stamp` says that this was done with these archives.
function(visavis_unpack from to stamp)
  file(GLOB archives CONFIGURE_DEPENDS ${from}/*.tar.xz)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${archives})
  set(wanted "")
  foreach(archive ${archives})
    file(SHA256 ${archive} hash)
    cmake_path(GET archive FILENAME name)
    string(APPEND wanted "${hash}  ${name}\n")
  endforeach()
  set(unpacked "")
  if(EXISTS ${stamp})
    file(READ ${stamp} unpacked)
  endif()
  if(unpacked STREQUAL wanted)
    return()
  endif()
  foreach(archive ${archives})
    file(ARCHIVE_EXTRACT INPUT ${archive} DESTINATION ${to})
  endforeach()
  file(WRITE ${stamp} "${wanted}")
endfunction()

# The oracle's goldens, one archive a topic (tools/oracle/pack.py).
set(VISAVIS_GOLDENS_DIR ${CMAKE_BINARY_DIR}/goldens)
visavis_unpack(${CMAKE_SOURCE_DIR}/tests/data/goldens ${VISAVIS_GOLDENS_DIR} ${VISAVIS_GOLDENS_DIR}/stamp)
# The demo models' weights, into their folders: a checkpoint is used where it lies.
visavis_unpack(${CMAKE_SOURCE_DIR}/models/demo ${CMAKE_SOURCE_DIR}/models/demo ${CMAKE_SOURCE_DIR}/models/demo/unpacked)
