# Sets `out` to a folder that has nothing but a link to the headers `name`, wherever they are: the folder that holds them may hold
# those of this machine's C library too, which no compiler for another machine must see.
function(kwire_header_only name probe out)
  find_path(KWIRE_${name}_DIR "${name}/${probe}" NO_CMAKE_FIND_ROOT_PATH PATHS /usr/include)
  set(there "${CMAKE_BINARY_DIR}/header_only")
  if(KWIRE_${name}_DIR)
    file(MAKE_DIRECTORY "${there}")
    file(CREATE_LINK "${KWIRE_${name}_DIR}/${name}" "${there}/${name}" SYMBOLIC)
    set(${out} "${there}" PARENT_SCOPE)
  endif()
endfunction()
