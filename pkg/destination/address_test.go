package destination

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

func TestAddressesWithinReach(t *testing.T) {
	const public, allowed, never = "", "allowed", "never"
	for address, want := range map[string]string{
		"8.8.8.8": public, "1.1.1.1": public, "9.255.255.255": public, "11.0.0.0": public, "100.63.255.255": public,
		"100.128.0.0": public, "126.255.255.255": public, "128.0.0.0": public, "169.253.255.255": public, "169.255.0.0": public,
		"172.15.255.255": public, "172.32.0.0": public, "192.167.255.255": public, "192.169.0.0": public, "192.0.1.0": public,
		"198.17.255.255": public, "198.20.0.0": public, "223.255.255.255": public,
		"2606:4700:4700::1111": public, "2a00:1450::1": public, "2001:4860:4860::8888": public, "2000::1": public,
		"::ffff:8.8.8.8": public, "64:ff9b::8.8.8.8": public, "2002:808:808::1": public,

		"127.0.0.1": allowed, "127.255.255.255": allowed, "::1": allowed, "::ffff:127.0.0.1": allowed, "64:ff9b::127.0.0.1": allowed,
		"2002:7f00:1::": allowed, "::127.0.0.1": allowed,
		"10.0.0.0": allowed, "10.255.255.255": allowed, "172.16.0.0": allowed, "172.31.255.255": allowed, "192.168.0.0": allowed,
		"192.168.255.255": allowed, "::ffff:10.1.2.3": allowed, "64:ff9b::192.168.1.1": allowed, "2002:c0a8:101::1": allowed,
		"64:ff9b:1::a00:1": allowed, "100.64.0.0": allowed, "100.127.255.255": allowed, "198.18.0.0": allowed,
		"169.254.0.0": allowed, "169.254.255.255": allowed, "fe80::1": allowed, "fe80::1%eth0": allowed, "febf::1": allowed,
		"fc00::1": allowed, "fdff::1": allowed, "fec0::1": allowed,

		"169.254.169.254": never, "::ffff:169.254.169.254": never, "64:ff9b::169.254.169.254": never, "2002:a9fe:a9fe::1": never,
		"::169.254.169.254": never, "169.254.170.2": never, "169.254.170.23": never, "fd00:ec2::254": never, "fd00:ec2::23": never,
		"0.0.0.0": never, "0.1.2.3": never, "::": never, "::ffff:0.0.0.0": never,
		"224.0.0.1": never, "239.255.255.255": never, "ff02::1": never, "::ffff:224.0.0.1": never,
		"240.0.0.1": never, "255.255.255.255": never, "192.0.0.170": never, "192.88.99.1": never,
		"192.0.2.1": never, "198.51.100.1": never, "203.0.113.1": never, "2001:db8::1": never, "3fff::1": never,
		"2001:0:4136:e378:8000:63bf:3fff:fdd2": never, "100::1": never, "4000::1": never, "5f00::1": never,
	} {
		t.Run(address, func(t *testing.T) {
			at := netip.MustParseAddr(address)
			for reach, wantRefused := range map[Reach]bool{Public: want != public, Private: want == never} {
				err := CheckAddress(reach, at)
				var refused *AddressError
				if errors.As(err, &refused) != wantRefused {
					t.Errorf("reach %d: %v, want refused: %v", reach, err, wantRefused)
				}
				if refused != nil && (refused.Allowed != (want == allowed) || refused.Kind == "" || refused.Address != at) {
					t.Errorf("reach %d: %+v, want allowed: %v", reach, refused, want == allowed)
				}
			}
		})
	}
}

// nameServer answers each question for an IPv4 address with the next of these, and
// goes on with the last. It counts the questions.
func nameServer(t *testing.T, addresses ...string) (*net.Resolver, *atomic.Int32) {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	asked := new(atomic.Int32)
	go func() {
		packet := make([]byte, 1500)
		for {
			n, from, err := socket.ReadFrom(packet)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(packet[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			m.Response, m.Authoritative, m.Additionals = true, true, nil
			if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
				i := min(int(asked.Add(1)), len(addresses)) - 1
				m.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 0},
					Body:   &dnsmessage.AResource{A: netip.MustParseAddr(addresses[i]).As4()},
				}}
			}
			if answer, err := m.Pack(); err == nil {
				_, _ = socket.WriteTo(answer, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", socket.LocalAddr().String())
	}}, asked
}

// Whoever owns a name may give it another address after it was looked at: what counts
// is the address that the connection is made to.
func TestANameThatIsRebound(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	var reached atomic.Int32
	server := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) })} //nolint:gosec // of a test
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	_, port, _ := net.SplitHostPort(listener.Addr().String())

	for name, c := range map[string]struct {
		reach   Reach
		refused bool
	}{
		"a destination at public addresses": {Public, true},
		"one that may be nearby":            {Private, false}, // shows that the way is open otherwise
	} {
		t.Run(name, func(t *testing.T) {
			reached.Store(0)
			resolver, asked := nameServer(t, "8.8.8.8", "127.0.0.1")
			before, err := resolver.LookupNetIP(t.Context(), "ip4", "rebound.example.")
			if err != nil || len(before) != 1 || CheckAddress(Public, before[0]) != nil {
				t.Fatalf("the name has %v at first, error %v; want one public address", before, err)
			}
			transport := newTransport(c.reach, resolver)
			t.Cleanup(transport.CloseIdleConnections)
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://rebound.example.:"+port+"/", strings.NewReader("event"))
			if err != nil {
				t.Fatal(err)
			}
			response, err := transport.RoundTrip(request)
			if err == nil {
				_ = response.Body.Close()
			}
			var refused *AddressError
			if errors.As(err, &refused) != c.refused || (reached.Load() == 0) != c.refused || asked.Load() < 2 {
				t.Errorf("error %v after %d questions, %d requests arrived; want refused: %v", err, asked.Load(), reached.Load(), c.refused)
			}
			if c.refused && (refused == nil || refused.Address.String() != "127.0.0.1") {
				t.Errorf("refused %+v, want the address of the connection", refused)
			}
		})
	}
}

// The proxy would look the name up, where nobody judges the address.
func TestAProxyIsOnlyForPrivateDestinations(t *testing.T) {
	if NewTransport(Public).Proxy != nil || NewTransport(Private).Proxy == nil {
		t.Error("public destinations are reached through a proxy, or private ones are not")
	}
}
