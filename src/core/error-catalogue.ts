import { failed, passing, refused, usage, type CatalogueEntry } from './catalogue-entry.ts'
import { fleetErrors } from './fleet-errors.ts'

/** Every error code there is. A code is never reused for another meaning. */
export const catalogue = {
  // core
  CANCELLED: failed('The work was stopped on request.', 409),
  DISK_FULL: passing('The file system has no space left.', 507),
  DATA_IN_USE: failed('Another Larder process owns this data directory.', 409),
  DATA_UNUSABLE: failed('The data directory cannot be made or written to.'),
  DATA_NEWER: failed('The data directory was written by a newer Larder.'),
  DATA_DAMAGED: failed('The file of the database is damaged.'),
  TOOL_MISSING: failed('A program that this step needs is not installed.'),
  USAGE: usage('The command or request was not understood.'),
  NOT_FOUND: usage('No such thing.', 404),
  UNAUTHORIZED: usage('The request carries no valid token.', 401),
  TLS_UNUSABLE: failed('The certificate, its key, or the authority that certifies cannot be used.'),
  ADDRESS_UNUSABLE: failed('The address to listen on is in use, or not ours to use.'),
  RATE_LIMITED: passing('Too many requests from one address.', 429),
  OVERLOADED: passing('As many of these are under way as the limits allow.'),
  INTERNAL: failed('A fault in Larder itself; the log has the rest under the id that the answer names.'),
  SITE_INVALID: refused('The files of the site have errors.'),

  // store
  BLOB_MISSING: failed('A blob that something refers to is not in the store.'),
  BLOB_DAMAGED: failed('A stored blob no longer has the bytes that its digest promises.'),
  DIGEST_MISMATCH: failed('The bytes that arrived are not those that were promised.', 502),
  SIZE_MISMATCH: failed('More or fewer bytes arrived than were promised.', 502),
  LEASE_LOST: passing('The lease that bytes were to be kept under was released or has expired.'),
  UPLOAD_UNKNOWN: usage('There is no such upload.', 404),

  // fetch
  FETCH_UNREACHABLE: passing('No address of an upstream answered.', 502),
  FETCH_STATUS: failed('An upstream answered with an error.', 502),
  FETCH_BUSY: passing('An upstream answered that it cannot serve anybody now: status 408, 429, or 500 and above.', 502),
  FETCH_TOO_SLOW: passing('An upstream sent too little for too long.', 504),
  FETCH_TOO_LARGE: failed('An upstream sent more than the limit for this kind of file.', 502),
  FETCH_TRUNCATED: passing('An upstream closed the connection in the middle of a file.', 502),
  FETCH_URL_REFUSED: failed('An address is malformed, or of a scheme that is not supported.'),
  DECOMPRESS_FAILED: failed('A compressed file is damaged.', 502),
  DECOMPRESS_BOMB: failed('A compressed file unpacks to more than its signed size or the limit.', 502),

  // apt: what an upstream may do wrong
  APT_RELEASE_MISSING: failed('The upstream has neither InRelease nor Release.', 502),
  APT_RELEASE_MALFORMED: failed('The Release file cannot be understood.', 502),
  SIGNATURE_MISSING: failed('Metadata of an upstream carries no signature.', 502),
  SIGNATURE_BAD: failed('A signature of upstream metadata or of a package is wrong.', 502),
  SIGNATURE_UNTRUSTED: failed('No trusted key has signed upstream metadata or a package.', 502),
  SIGNATURE_KEY_EXPIRED: failed('The key that signed had expired.', 502),
  SIGNATURE_KEY_REVOKED: failed('The key that signed was revoked.', 502),
  KEYRING_UNREADABLE: refused('A keyring file cannot be read as OpenPGP keys.'),
  APT_RELEASE_EXPIRED: failed("The Release file's Valid-Until has passed.", 502),
  APT_RELEASE_REPLAYED: failed('The Release file is older than the one that was seen before.', 502),
  APT_RELEASE_FUTURE: failed("The Release file's Date is in the future.", 502),
  APT_SUITE_MISMATCH: refused('The Release file is for another suite than the one asked for.'),
  APT_INDEX_MISSING: failed('The Release file promises no usable index for what was asked.', 502),
  APT_PART_UNKNOWN: refused('A suite, component or architecture that larder.yaml names is not in the upstream.'),
  APT_UPSTREAM_CHANGED: passing('The upstream changed while it was being read.', 502),
  APT_STANZA_MALFORMED: failed('A stanza of a control file cannot be understood.', 502),
  APT_DEB_MALFORMED: failed('A .deb file is damaged or is not of the form that deb(5) describes.', 502),
  APT_FILENAME_REFUSED: failed('A Filename leads out of the repository or is malformed.', 502),
  APT_VERSION_MALFORMED: usage('A version is not of the form that deb-version(7) allows.'),
  APT_DEPENDENCY_MALFORMED: usage('A dependency is not of the form that deb-control(5) allows.'),
  APT_SOURCES_MALFORMED: failed('An APT sources file of this host cannot be understood.'),
  CACHE_DAMAGED: passing('A file of the cache is damaged. It is made anew when the work is tried again.', 500),
  APT_SOURCES_NONE: refused('No APT source of this host fits the mirror.'),
  OWN_PACKAGE_REFUSED: refused("A package of one's own does not fit the mirror that it was added to."),
  OWN_PACKAGE_CONFLICT: refused(
    'The mirror has a package of that name, version and architecture with other content.',
    409,
  ),
  RPM_MALFORMED: failed('An .rpm file is damaged or is not of the form that rpm describes.', 502),
  RPM_HEADER_MISMATCH: failed(
    'A package is another one, or depends on others, than the metadata of its upstream says.',
    502,
  ),
  RPM_DEPENDENCY_MALFORMED: usage('A dependency is not of the form that rpm knows.'),

  // rpm: what an upstream may do wrong
  RPM_REPOMD_MISSING: failed('The upstream has no repodata/repomd.xml.', 502),
  RPM_REPOMD_REPLAYED: failed('The repomd.xml is older than the one that was seen before.', 502),
  RPM_MIRRORS_MISSING: failed('A mirrorlist or metalink is not there, or names no address.', 502),
  RPM_METALINK_MISMATCH: failed('The repomd.xml is none of those that the metalink promises.', 502),
  RPM_RICH_DEPENDENCY: refused('A package has a dependency that yum 3, which the mirror is for, cannot read.'),
  RPM_INDEX_MISSING: failed('The repomd.xml promises no usable data file for what was asked.', 502),
  RPM_MODULE_MISSING: refused('A package is of a module that no upstream describes.'),
  RPM_UPSTREAM_CHANGED: passing('The upstream changed while it was being read.', 502),
  RPM_CHECKSUM_REFUSED: failed('A file is promised by a checksum that proves nothing, or that is malformed.', 502),
  RPM_REPOMD_MALFORMED: failed('A repomd.xml cannot be understood.', 502),
  RPM_METALINK_MALFORMED: failed('A metalink cannot be understood, or promises nothing of repomd.xml.', 502),
  RPM_XML_MALFORMED: failed('A metadata file is not the XML that it should be, or declares entities.', 502),
  RPM_MODULES_MALFORMED: failed('A file of module streams cannot be understood.', 502),
  RPM_HREF_REFUSED: failed('The path of a package or data file leads out of the repository or is malformed.', 502),

  // mirror
  PACKAGE_UNKNOWN: refused('A listed package is in none of the upstreams of the mirror.'),
  CLOSURE_UNSATISFIABLE: refused('A dependency cannot be satisfied from the upstreams of the mirror.'),
  QUOTA_EXCEEDED: refused('The plan exceeds a limit of the site.'),
  SNAPSHOT_UNKNOWN: usage('There is no such snapshot.', 404),
  MIRROR_UNKNOWN: usage('There is no such mirror.', 404),
  PUBLICATION_NONE: usage('The mirror has not been published yet.', 404),
  TREE_PATH_REFUSED: failed('A path cannot be published: it is malformed, or given twice with different content.'),
  PUBLICATION_OUTDATED: failed('Another publication was made since this one was sealed.', 409),
  CLOCK_BEHIND: failed('The clock of this host is behind what it has published already.'),
  EXPORT_REFUSED: refused('The folder to export to is not empty, and no export of Larder made it.'),
  VERIFY_FAILED: failed('What is published is not what it should be.'),

  // oci
  DOCKERFILE_INVALID: refused('A Dockerfile cannot be understood.'),
  DOCKERFILE_MISSING: refused('A Dockerfile that an image names is not there, or not in the folder that is built.'),
  BUILD_FAILED: refused('An instruction of a Dockerfile failed.'),
  BUILD_BASE_UNREACHABLE: passing('A base image cannot be fetched from its registry now.'),
  BUILD_TIMEOUT: refused('A build took longer than it may.'),
  BUILD_LIMIT: refused('A build used more than it may.'),
  BUILD_ENGINE_MISSING: failed('Nothing that builds images can be used on this host.'),
  BUILD_PLATFORM_UNSUPPORTED: failed('A build starts programs of another processor, which this host does not run.'),
  BUILD_BASE_PLATFORM: refused('An image that a build stands on is for another platform.'),
  BUILD_ENGINE_FAILED: passing('What builds images failed, or ended in the middle.'),
  IMAGE_VERSION_TAKEN: refused('A version of an image was built of other content before, and versions never change.'),
  IMAGE_UNKNOWN: usage('There is no such image.', 404),
  OCI_NAME_INVALID: usage('The name of a repository is malformed.'),
  OCI_NAME_UNKNOWN: usage('The registry has no such repository.', 404),
  OCI_TAG_INVALID: usage('A tag is malformed.'),
  OCI_DIGEST_INVALID: usage('A digest is malformed, or is not that of the bytes that came.'),
  OCI_SIZE_INVALID: usage('More or fewer bytes came than were promised.'),
  OCI_RANGE_INVALID: usage('A part of an upload does not begin where the last one ended.', 416),
  OCI_BLOB_UNKNOWN: usage('The repository has no such blob.', 404),
  OCI_BLOB_IN_USE: usage('A manifest of the repository names the blob.', 405),
  OCI_UPLOAD_UNKNOWN: usage('There is no such upload, or it has expired.', 404),
  OCI_MANIFEST_INVALID: usage('A manifest cannot be understood.'),
  OCI_MANIFEST_TOO_LARGE: usage('A manifest is larger than 4 MiB.', 413),
  OCI_MANIFEST_UNKNOWN: usage('The repository has no such manifest.', 404),
  OCI_MANIFEST_INCOMPLETE: usage('A manifest names blobs or manifests that the repository has not.'),
  OCI_TAG_IMMUTABLE: refused('The tag is of an image whose versions never change, and names other content.', 409),
  OCI_METHOD_UNSUPPORTED: usage('The method is not one of this address of the registry.', 405),

  OCI_CACHE_READ_ONLY: refused('A repository that is read through from another registry takes no pushes.', 403),
  OCI_ORIGIN_UNAVAILABLE: passing(
    'The registry that a repository is read through from does not give what is asked.',
    502,
  ),
  OCI_ORIGIN_WRONG: failed('The registry that a repository is read through from answers with other content than it promised.', 502), // prettier-ignore
  OCI_IMAGE_UNREADABLE: failed('An image, or a part of it, is damaged, missing or of a form that is not known.'),
  PROOF_INVALID: failed('No key that is trusted has signed what is said of an image.'),

  // disk images
  DISK_IMAGE_SOURCE_INVALID: failed('What a disk image is to be made of is damaged, or leads out of its root.'),
  DISK_IMAGE_UNBOOTABLE: refused('A machine cannot start from the image: something that this needs is not in it.'),
  DISK_IMAGE_TOO_SMALL: refused('The content of the image needs more than the size that the disk is to have.'),
  DISK_IMAGE_FAILED: failed('A program that makes the file system, the boot loader or the file of a disk failed.'),
  EC2_UNREACHABLE: passing('EC2 or S3 does not answer, or says that it is busy.', 502),
  EC2_REFUSED: failed('EC2 or S3 refused a request.', 502),
  EC2_IMPORT_FAILED: failed('EC2 could not make a snapshot or an image of the disk.', 502),

  // keys
  KEY_LOCKED: failed('The signing key is locked and its passphrase is not available.'),
  KEY_UNSUITABLE: failed('The key given cannot be used to sign.'),

  ...fleetErrors,

  // forge and pipeline
  HOOK_SIGNATURE_BAD: usage('The delivery is not signed with a secret of this hook.', 401),
  HOOK_MALFORMED: usage('The delivery cannot be understood.'),
  HOOK_TOO_LARGE: usage('The delivery is larger than the limit.', 413),
  GIT_FAILED: failed('A git command failed.'),
  GIT_COMMIT_GONE: refused('A commit is not in the repository any more.'),
  GIT_LFS_FAILED: passing('A file in Git LFS could not be fetched.', 502),
  GIT_SUBMODULE_REFUSED: refused('A submodule of the site repository is not beside it, or cannot be read.'),
  GIT_REF_REFUSED: usage('A ref or path is malformed.'),
  GIT_FILE_REFUSED: refused('A file of the site repository is a symbolic link or too large.'),
  PUSH_REFUSED: refused('A push breaks a rule that holds for every push.'),
  HOOK_SECRET_MISSING: failed('No secret is configured for this hook, so nothing it brings can be believed.', 503),
  HOOK_FORGE_UNSUPPORTED: usage('The site is not at this forge, so no deliveries of it are taken.', 404),
  CONFIG_INVALID: usage('The configuration of the controller (controller.yaml) has errors.'),
  PREVIEW_UNKNOWN: usage('There is no such preview, or it has expired.', 404),
  FORK_NEEDS_APPROVAL: refused('A pull request of a fork changes what only a maintainer may vouch for.'),
  MERGE_CONFLICT: refused('A pull request cannot be merged into main as it is now.'),
  FORGE_UNREACHABLE: passing('The forge or its API does not answer, or asks to wait.'),
  FORGE_REFUSED: failed('The API of the forge refuses what Larder asked.', 502),
  NOTIFY_FAILED: passing('A listener did not take a notification.', 502),
  NOTIFY_GONE: failed('A listener wants no more notifications, or is no longer configured.', 410),
  RUN_UNKNOWN: usage('There is no such run.', 404),
  RUN_TIMEOUT: failed('A run took longer than it may, six hours, and was stopped.', 504),
  RUN_STATE: usage('The run is not in a state that allows this.', 409),
  CONTROLLER_UNREACHABLE: failed('No controller answers at this address.'),
} as const satisfies Record<string, CatalogueEntry>

export type ErrorCode = keyof typeof catalogue

/** False for what another version of Larder may have written down. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(catalogue, code)
}
