import { ensurePackages } from './debian-packages.ts'

/** Programs of Debian that the tests judge by, and what each is for. */
const packages: Record<'oracle' | 'e2e', Record<string, string>> = {
  oracle: {
    'apt-utils': 'apt-ftparchive writes an upstream',
    'bind9-dnsutils': 'asks for names as clients do',
    'busybox-static': 'a DHCP client',
    bzip2: 'unpacks what old RPM repositories have',
    'createrepo-c': 'judges RPM repositories',
    dnf: 'judges RPM repositories as clients do',
    'dnsmasq-base': 'hands out addresses, and answers for names',
    'dose-distcheck': 'dose-debcheck judges closures',
    'docker-registry': 'a registry that signatures of images are put into',
    dosfstools: 'fsck.vfat judges the EFI system partition of disk images',
    e2fsprogs: 'makes and judges the file system of disk images',
    fdisk: 'sfdisk judges partition tables',
    git: 'the site repository',
    gnupg: 'gpg signs as upstreams do',
    gpgv: 'judges signatures as apt does',
    'grub-common': 'makes the boot loader of disk images',
    'grub-efi-amd64-bin': 'the same for UEFI',
    'grub-pc-bin': 'the same for BIOS',
    haproxy: 'a load balancer',
    iproute2: 'makes networks of namespaces',
    'kea-admin': 'perfdhcp asks for many addresses',
    'kea-dhcp4-server': 'hands out addresses',
    'libdpkg-perl': "dpkg's own parser of relations",
    'libsolv-tools': 'installcheck judges closures',
    openssl: 'judges signatures of images',
    procps: 'pgrep finds servers',
    'qemu-system-x86': 'runs virtual machines',
    'qemu-utils': 'makes and judges qcow2',
    'openssh-client': 'reaches machines',
    'openssh-server': 'machines that are reached by ssh',
    rpm: 'judges versions, headers and signatures of packages',
    shellcheck: 'judges the scripts that clients are given',
    skopeo: 'looks for signatures of images as clients do',
    socat: 'speaks to the load balancer',
    sudo: 'lets users of machines become root, or does not',
    systemd: 'systemd-analyze judges examples/larder.service',
    'xz-utils': 'xz judges what is compressed',
    zstd: 'zstd judges what is compressed',
  },
  e2e: {
    'aardvark-dns': 'answers for names in networks of podman',
    'apt-utils': 'apt-ftparchive writes an upstream',
    buildah: 'builds images',
    'busybox-static': 'an application that needs no libraries',
    bzip2: 'unpacks what old RPM repositories have',
    'createrepo-c': 'writes an RPM upstream',
    crun: 'runs containers of podman',
    curl: 'a plain HTTP client',
    debootstrap: 'installs a system from a mirror',
    dnf: 'installs a system from an RPM mirror',
    'dnsmasq-base': 'answers for names',
    iproute2: 'makes networks of namespaces',
    'kea-dhcp4-server': 'hands out addresses',
    'docker-registry': 'a registry that base images come from',
    'docker.io': 'an engine that builds images',
    'dose-distcheck': 'dose-debcheck judges what is published',
    e2fsprogs: 'makes the file system of disk images',
    git: 'pushes to the site repository',
    gnupg: 'gpg signs as upstreams do',
    gpgv: 'judges signatures as apt does',
    'grub-common': 'makes the boot loader of disk images',
    'grub-efi-amd64-bin': 'the same for UEFI',
    'grub-pc-bin': 'the same for BIOS',
    'libsolv-tools': 'installcheck judges what is published',
    mmdebstrap: 'a minimal system, and in it a real apt',
    netavark: 'makes networks of podman',
    'nginx-light': 'the proxy of examples/nginx.conf',
    'openssh-client': 'reaches machines',
    'openssh-server': 'machines that are reached by ssh',
    openssl: 'makes its certificate',
    ovmf: 'UEFI, from which a disk image starts',
    'qemu-system-x86': 'a machine that starts from a disk image',
    'qemu-utils': 'makes qcow2',
    podman: 'pulls and pushes images',
    rpm: 'judges what is published',
    rsync: 'copies blobs in examples/larder-backup',
    skopeo: 'copies images between registries',
    sqlite3: 'copies a database that is in use',
    'xz-utils': 'unpacks indices',
    zstd: 'unpacks packages',
  },
}

export type PackageGroup = keyof typeof packages

/**
 * Makes sure that a group has its programs: installs those that are missing when it may.
 * Answers why the group cannot run, or undefined when it can.
 */
export async function prepareGroup(group: PackageGroup, tell: (line: string) => void): Promise<string | undefined> {
  const obstacle = await ensurePackages(packages[group], (line) => tell(`${group}: ${line}`))
  const mustBeRoot = group === 'e2e' && process.getuid?.() !== 0
  return obstacle ?? (mustBeRoot ? 'real clients install packages, for which they must be root' : undefined)
}
