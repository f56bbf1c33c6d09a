/** containers-storage.conf(5). A file system of layers cannot lie upon that of a container: each layer is a whole copy. */
export const nestedStorage = `# Written by Larder.
[storage]
driver = "vfs"
runroot = "/run/containers/storage"
graphroot = "/var/lib/containers/storage"
`
