/** A server whose configuration is made by others: it comes as the variable `config`, and is judged before it is in place. */
export const dhcpRole = `
description: DHCP by Kea
variables: { config: null }
resources:
  - package: kea-dhcp4-server
    recommends: false
  - file: /etc/kea/kea-dhcp4.conf
    inline: "{{config}}"
    validate: [kea-dhcp4, -t, "%s"]
    notify: service:kea-dhcp4-server
  - service: kea-dhcp4-server
`

/** The same. Without `config`, its machine is the load balancer of the services that name it, and this here is not used. */
export const loadBalancerRole = `
description: A load balancer (HAProxy)
variables: { config: "", port: 80 }
resources:
  - package: haproxy
    recommends: false
  - file: /etc/haproxy/haproxy.cfg
    inline: "{{config}}"
    validate: [haproxy, -c, -f, "%s"]
    notify: service:haproxy
  - service: haproxy
    notified: reload
    ready: { tcp: "{{port}}" }
`
