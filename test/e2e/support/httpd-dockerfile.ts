/** An image that serves its folder www, with the program www/cgi-bin/release, at $PORT; it ends as soon as it is told. */
export const httpdDockerfile = `FROM scratch
COPY busybox /bin/busybox
COPY busybox /bin/sh
COPY www /www
RUN /bin/busybox chmod 755 /www/cgi-bin/release
CMD ["/bin/sh", "-c", "trap exit TERM; /bin/busybox httpd -f -p $PORT -h /www & wait"]
`
