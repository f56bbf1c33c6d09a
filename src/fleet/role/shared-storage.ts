/** A volume of GlusterFS over machines, mounted on each. The first of `peers` makes it, once the others answer. Debian, Ubuntu. */
export const sharedStorageRole = `
description: A file system that several machines share (GlusterFS)
variables: { volume: shared, peers: null, replicas: 2, brick: /var/lib/larder-brick, mount: /srv/shared }
resources:
  - package: [glusterfs-server, glusterfs-client]
    recommends: false
  - service: glusterd
    ready: { command: [gluster, pool, list] }
  - directory: "{{brick}}"
  - file: /etc/larder/gluster-peers.sh
    inline: |
      # Takes in those of the peers that are none yet; "known" asks only whether all are. The first of them alone does it.
      set -eu
      limit=300
      peers=
      {{#peers}}
      [ -n "$peers" ] || [ '{{.}}' = '{{machine.name}}' ] || exit 0
      peers="$peers {{.}}"
      {{/peers}}
      end=$(($(date +%s) + limit))
      for peer in $peers; do
      [ "$peer" != '{{machine.name}}' ] || continue
      status=$(gluster peer status)
      printf '%s\\n' "$status" | grep -Fqx -e "Hostname: $peer" -e "$peer" && continue
      [ "\${1-}" != known ] || exit 1
      until why=$(timeout 60 gluster --mode=script peer probe "$peer" 2>&1); do
      [ "$(date +%s)" -lt "$end" ] || { echo "$peer was not reached within $limit s: $why" >&2; exit 1; }
      sleep 2
      done
      done
  - command: "GlusterFS: peers of {{volume}}"
    run: [/bin/sh, /etc/larder/gluster-peers.sh]
    unless: [/bin/sh, /etc/larder/gluster-peers.sh, known]
    after: [service:glusterd, file:/etc/larder/gluster-peers.sh]
  - file: /etc/larder/gluster-volume.sh
    inline: |
      set -eu
      limit=300
      isFirst=
      bricks=
      {{#peers}}
      [ -n "$bricks" ] || [ '{{.}}' != '{{machine.name}}' ] || isFirst=yes
      bricks="$bricks {{.}}:{{brick}}/data"
      {{/peers}}
      end=$(($(date +%s) + limit))
      isLate() { [ "$(date +%s)" -ge "$end" ]; }
      isStarted() { gluster volume info '{{volume}}' 2>/dev/null | grep -q '^Status: Started'; }
      if [ -n "$isFirst" ]; then
      while away=$(gluster pool list | tail -n +2 | grep -v Connected); do
      ! isLate || { echo "Not connected after $limit s: $away" >&2; exit 1; }
      sleep 1
      done
      gluster volume info '{{volume}}' >/dev/null 2>&1 ||
        gluster --mode=script volume create '{{volume}}' replica {{replicas}} $bricks force
      isStarted || gluster --mode=script volume start '{{volume}}'
      fi
      until isStarted; do
      ! isLate || { echo "The volume {{volume}} is not there after $limit s; the first of its peers makes it, once all answer." >&2; exit 1; }
      sleep 2
      done
  - command: "GlusterFS: volume {{volume}}"
    run: [/bin/sh, /etc/larder/gluster-volume.sh]
    unless: |
      gluster volume info '{{volume}}' 2>/dev/null | grep -q '^Status: Started'
    after:
      - "command:GlusterFS: peers of {{volume}}"
      - "directory:{{brick}}"
      - file:/etc/larder/gluster-volume.sh
  - mount: "{{mount}}"
    device: "localhost:/{{volume}}"
    type: glusterfs
    options: defaults,_netdev
    after: "command:GlusterFS: volume {{volume}}"
`
