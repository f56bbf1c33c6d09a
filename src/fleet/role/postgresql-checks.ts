/**
 * What judges `listen` and `allow` before they are in place: PostgreSQL itself reads neither before it starts, and ends there. By
 * perl, which every Debian has; its arguments are the new file, and the value.
 */
function judged(script: string, variable: string): string {
  return `validate: [perl, "-MSocket=:addrinfo,:DEFAULT,inet_pton", -e, ${JSON.stringify(script)}, "%s", "{{${variable}}}"]`
}

/** PostgreSQL, listen_addresses: it starts where one of them can be taken. */
export const listenJudged = judged(
  String.raw`my ($file, $listen) = @ARGV;
die "listen: addresses of this machine, names, or * are needed, parted by commas; not: $listen\n" if $listen =~ m{[^\w.:*, -]};
my @all = grep { length } split m{[\s,]+}, $listen;
exit 0 if !@all;
for my $one (@all) {
  exit 0 if $one eq "*";
  my ($error, @found) = getaddrinfo($one, 0, { flags => AI_PASSIVE, socktype => SOCK_STREAM });
  for my $it (@found) {
    my $socket;
    exit 0 if socket($socket, $it->{family}, SOCK_STREAM, 0) && bind($socket, $it->{addr});
  }
}
die "listen: this machine has no such address: $listen\n"`,
  'listen',
)

/** PostgreSQL, "The pg_hba.conf File", address. */
export const allowJudged = judged(
  String.raw`my ($file, $allow) = @ARGV;
sub size { my ($one) = @_; my $packed = inet_pton($one =~ m{:} ? AF_INET6 : AF_INET, $one); defined $packed ? length $packed : 0 }
exit 0 if $allow =~ m{\A(?:all|samehost|samenet)\z};
exit 0 if $allow =~ m{\A([\da-fA-F.:]+)/(\d{1,3})\z} && size($1) && $2 <= 8 * size($1);
exit 0 if $allow =~ m{\A([\da-fA-F.:]+)[ \t]+([\da-fA-F.:]+)\z} && size($1) && size($1) == size($2);
exit 0 if $allow =~ m{\A\.?[A-Za-z0-9_][A-Za-z0-9_.-]*\z} && $allow =~ m{[A-Za-z_][^.]*\z};
die "allow: samenet, all, a network such as 192.0.2.0/24 (one address: 192.0.2.7/32) or the name of a host is needed, not: $allow\n"`,
  'allow',
)
