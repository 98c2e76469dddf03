#!/bin/sh
# Runs the benchmark with what the archive holds. Needs no PATH.
case $0 in */*) folder=${0%/*} ;; *) folder=. ;; esac
here=$(cd "$folder" && pwd)

# The machine's own libraries come first where it has them.
has() {
  for folder in /lib /lib64 /usr/lib /usr/lib64 /lib/x86_64-linux-gnu /usr/lib/x86_64-linux-gnu; do
    [ -e "$folder/$1" ] && return 0
  done
  return 1
}
has libvulkan.so.1 || LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$here/lib/vulkan"
has libstdc++.so.6 || LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$here/lib/runtime"
[ -z "$LD_LIBRARY_PATH" ] || export LD_LIBRARY_PATH

# Containers often have NVIDIA's driver without the file that tells Vulkan of it.
if [ ! -e /etc/vulkan/icd.d/nvidia_icd.json ] && [ ! -e /usr/share/vulkan/icd.d/nvidia_icd.json ]; then
  add_driver() {
    has "lib$1_nvidia.so.0" || return 0
    VK_ADD_DRIVER_FILES="${VK_ADD_DRIVER_FILES:+$VK_ADD_DRIVER_FILES:}$here/lib/vulkan/nvidia_$2_icd.json"
  }
  add_driver GLX glx
  add_driver EGL egl
  [ -z "$VK_ADD_DRIVER_FILES" ] || export VK_ADD_DRIVER_FILES
fi

exec "$here/lib/node" "$here/lib/bench.cjs" "$@"
