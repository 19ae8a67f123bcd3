package destination

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"
)

// Reach says at which addresses a destination may be.
type Reach int

// Public is every address of the public internet. Private is, beside these, whatever
// the machine reaches: loopback, link-local and private networks. Neither is the
// metadata service of a cloud, nor an address that is nobody's own.
const (
	Public Reach = iota
	Private
)

// AddressError is returned for an address that a destination may not be at. It is made
// when the connection is, from the address that the name has at that moment: a name
// may be given another one at any time.
type AddressError struct {
	Address netip.Addr
	Kind    string // what it is, such as "a private address"
	Allowed bool   // to a destination that reaches Private
}

func (e *AddressError) Error() string { return e.Address.String() + " is " + e.Kind }

// block is a range of addresses that are not public.
type block struct {
	prefix netip.Prefix
	kind   string
	never  bool // also for Private
}

const (
	metadata      = "the metadata service of the cloud"
	unspecified   = "an unspecified address"
	loopback      = "a loopback address"
	linkLocal     = "a link-local address"
	private       = "a private address"
	shared        = "a private address of a provider"
	multicast     = "a multicast address"
	documentation = "an address for documentation"
	reserved      = "a reserved address"
)

// blocks are those of the IANA's registries of special purpose addresses
// (iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry) and
// the metadata services of AWS; the first that fits counts.
var blocks = []block{
	{netip.MustParsePrefix("169.254.169.254/32"), metadata, true}, // EC2, and most other clouds
	{netip.MustParsePrefix("169.254.170.0/23"), metadata, true},   // ECS and EKS: credentials of a task
	{netip.MustParsePrefix("fd00:ec2::/32"), metadata, true},
	{netip.MustParsePrefix("0.0.0.0/8"), unspecified, true},
	{netip.MustParsePrefix("10.0.0.0/8"), private, false},
	{netip.MustParsePrefix("100.64.0.0/10"), shared, false},
	{netip.MustParsePrefix("127.0.0.0/8"), loopback, false},
	{netip.MustParsePrefix("169.254.0.0/16"), linkLocal, false},
	{netip.MustParsePrefix("172.16.0.0/12"), private, false},
	{netip.MustParsePrefix("192.0.0.0/24"), reserved, true},
	{netip.MustParsePrefix("192.0.2.0/24"), documentation, true},
	{netip.MustParsePrefix("192.88.99.0/24"), reserved, true}, // relays of 6to4, withdrawn
	{netip.MustParsePrefix("192.168.0.0/16"), private, false},
	{netip.MustParsePrefix("198.18.0.0/15"), private, false}, // benchmarks inside a network
	{netip.MustParsePrefix("198.51.100.0/24"), documentation, true},
	{netip.MustParsePrefix("203.0.113.0/24"), documentation, true},
	{netip.MustParsePrefix("224.0.0.0/4"), multicast, true},
	{netip.MustParsePrefix("240.0.0.0/4"), reserved, true},

	{netip.MustParsePrefix("::/128"), unspecified, true},
	{netip.MustParsePrefix("::1/128"), loopback, false},
	{netip.MustParsePrefix("fc00::/7"), private, false},
	{netip.MustParsePrefix("fe80::/10"), linkLocal, false},
	{netip.MustParsePrefix("fec0::/10"), private, false}, // site-local, withdrawn
	{netip.MustParsePrefix("ff00::/8"), multicast, true},
	{netip.MustParsePrefix("64:ff9b:1::/48"), private, false}, // NAT64 inside a network
	{netip.MustParsePrefix("2001::/32"), reserved, true},      // Teredo
	{netip.MustParsePrefix("2001:db8::/32"), documentation, true},
	{netip.MustParsePrefix("3fff::/20"), documentation, true},
}

// wrappers are the forms of IPv6 that lead to an IPv4 address inside them.
var wrappers = []struct {
	prefix netip.Prefix
	at     int // byte where the IPv4 address begins
}{
	{netip.MustParsePrefix("64:ff9b::/96"), 12}, // NAT64
	{netip.MustParsePrefix("2002::/16"), 2},     // 6to4
	{netip.MustParsePrefix("::/96"), 12},        // IPv4-compatible, withdrawn
}

// global is what the public internet of IPv6 has been given.
var global = netip.MustParsePrefix("2000::/3")

// CheckAddress returns an *AddressError for an address that a destination of that reach
// may not be at, and nil for any other.
func CheckAddress(reach Reach, address netip.Addr) error {
	kind, never := special(address.WithZone("").Unmap())
	if kind == "" || reach == Private && !never {
		return nil
	}
	return &AddressError{Address: address, Kind: kind, Allowed: !never}
}

// special tells what an address is that is not public.
func special(a netip.Addr) (kind string, never bool) {
	for _, b := range blocks {
		if b.prefix.Contains(a) {
			return b.kind, b.never
		}
	}
	if a.Is4() {
		return "", false
	}
	bytes := a.As16()
	for _, w := range wrappers {
		if w.prefix.Contains(a) {
			return special(netip.AddrFrom4([4]byte(bytes[w.at : w.at+4])))
		}
	}
	if !global.Contains(a) {
		return reserved, true
	}
	return "", false
}

// control refuses a connection, before it is made, to an address that is not within
// reach. A net.Dialer calls it with each address that a name has been resolved to.
func (r Reach) control(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return errors.Join(errors.New("the address cannot be judged"), err)
	}
	if err := CheckAddress(r, at.Addr()); err != nil {
		return fmt.Errorf("refused: %w", err)
	}
	return nil
}
