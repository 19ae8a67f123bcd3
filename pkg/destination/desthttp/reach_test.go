package desthttp_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/destination/desthttp"
	"smartlead-receiver/pkg/webhook"
	"smartlead-receiver/test/testclock"
)

// What can never be delivered to is refused when it is configured.
func TestAURLThatIsNotWithinReach(t *testing.T) {
	const (
		plain  = "begins with http://"
		allow  = "allow it with --allow-private"
		nobody = "where no destination may be"
	)
	for _, c := range []struct {
		url                     string
		allowHTTP, allowPrivate bool
		want                    string // "": it is taken
	}{
		{"https://crm.example.com/in", false, false, ""},
		{"https://8.8.8.8/in", false, false, ""},
		{"https://localhost.example.com/in", false, false, ""},
		{"http://crm.example.com/in", false, false, plain},
		{"http://crm.example.com/in", false, true, plain},
		{"HTTP://crm.example.com/in", false, false, plain},
		{"http://crm.example.com/in", true, false, ""},
		{"https://127.0.0.1:8443/in", false, false, allow},
		{"https://localhost/in", false, false, allow},
		{"https://LOCALHOST./in", false, false, allow},
		{"https://crm.localhost/in", false, false, allow},
		{"https://[::1]/in", false, false, allow},
		{"https://[::ffff:10.0.0.1]/in", false, false, allow},
		{"https://[fe80::1%25eth0]/in", false, false, allow},
		{"https://10.0.0.1/in", false, false, allow},
		{"https://10.0.0.1/in", false, true, ""},
		{"http://10.0.0.1/in", true, true, ""},
		{"http://localhost:9999/in", true, true, ""},
		{"https://169.254.169.254/latest", false, true, nobody},
		{"http://169.254.169.254/latest", true, true, nobody},
		{"https://0.0.0.0/in", false, true, nobody},
	} {
		err := destination.Config{
			Type: desthttp.Type.Name, Settings: &desthttp.Config{URL: c.url, AllowHTTP: c.allowHTTP, AllowPrivate: c.allowPrivate},
		}.Validate()
		if c.want == "" && err != nil || c.want != "" && (!errors.Is(err, destination.ErrConfig) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s, allowed http %v, private %v: %v, want %q", c.url, c.allowHTTP, c.allowPrivate, err, c.want)
		}
	}
}

// A number is an address to some resolvers, so that it is judged when it is resolved.
func TestANameThatLeadsToThisMachineIsRefused(t *testing.T) {
	var reached atomic.Int32
	here := serve(t, func(http.ResponseWriter, *http.Request) { reached.Add(1) })
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(here, "http://"))
	for _, host := range []string{"2130706433", "0x7f000001", "127.1"} {
		cfg := desthttp.Config{URL: "http://" + host + ":" + port + "/in", AllowHTTP: true}
		d := open(t, cfg, destination.Deps{})
		out := d.Deliver(t.Context(), delivery())
		if out.Result != webhook.ResultRetry || out.ErrorClass != "dns" && out.ErrorClass != "address_refused" {
			t.Errorf("%s: %+v", host, out)
		}
	}
	if n := reached.Load(); n > 0 {
		t.Errorf("%d events arrived", n)
	}
}

// failure is a transport that fails as the network does.
type failure struct{ error }

func (f failure) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.error }

func TestFailuresAreToldInAnOperatorsWords(t *testing.T) {
	refused := destination.CheckAddress(destination.Public, netip.MustParseAddr("10.1.2.3"))
	for name, c := range map[string]struct {
		err         error
		class, text string
	}{
		"no such name": {
			&net.DNSError{Err: "no such host", Name: "crm.example.com", IsNotFound: true}, "dns",
			"crm.example.com: the name crm.example.com does not exist; check the destination's URL and its DNS",
		},
		"a silent name server": {
			&net.DNSError{Err: "i/o timeout", Name: "crm.example.com", IsTimeout: true}, "dns",
			"crm.example.com: the name crm.example.com could not be looked up: no name server answered in time",
		},
		"a broken name server": {
			&net.DNSError{Err: "server misbehaving", Name: "crm.example.com", IsTemporary: true}, "dns",
			"crm.example.com: the name crm.example.com could not be looked up: the name server failed",
		},
		"a private address": {
			&net.OpError{Op: "dial", Err: fmt.Errorf("refused: %w", refused)}, "address_refused",
			"crm.example.com: leads to 10.1.2.3, which is a private address; allow it with --allow-private",
		},
		"the metadata service": {
			destination.CheckAddress(destination.Private, netip.MustParseAddr("169.254.169.254")), "address_refused",
			"crm.example.com: leads to 169.254.169.254, which is the metadata service of the cloud, where no destination may be",
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := open(t, desthttp.Config{URL: "https://crm.example.com/in"}, destination.Deps{Transport: failure{&url.Error{Op: "Post", URL: "https://crm.example.com/in", Err: c.err}}})
			out := d.Deliver(t.Context(), delivery())
			if out.Result != webhook.ResultRetry || out.ErrorClass != c.class || out.Error != c.text {
				t.Errorf("outcome %+v, want a retry of class %s: %s", out, c.class, c.text)
			}
		})
	}
}

func TestABadCertificateIsToldInAnOperatorsWords(t *testing.T) {
	now := testclock.Noon()
	for name, c := range map[string]struct {
		from, until time.Time
		names       []string
		trusted     bool
		want        string
	}{
		"expired":      {now.AddDate(0, 0, -90), now.AddDate(0, 0, -2), []string{"localhost"}, true, "the certificate of localhost expired on " + now.AddDate(0, 0, -2).Format(time.DateOnly)},
		"too early":    {now.AddDate(0, 0, 2), now.AddDate(0, 0, 90), []string{"localhost"}, true, "the certificate of localhost is not valid before " + now.AddDate(0, 0, 2).Format(time.DateOnly)},
		"another name": {now.AddDate(0, 0, -2), now.AddDate(0, 0, 90), []string{"www.example.com", "example.com"}, true, "the certificate of localhost is for www.example.com, example.com"},
		"untrusted":    {now.AddDate(0, 0, -2), now.AddDate(0, 0, 90), []string{"localhost"}, false, "the certificate of localhost comes from an authority that is not trusted"},
	} {
		t.Run(name, func(t *testing.T) {
			certificate, roots := issue(t, c.from, c.until, c.names)
			server := httptest.NewUnstartedServer(http.NotFoundHandler())
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
			server.StartTLS()
			t.Cleanup(server.Close)
			transport := destination.NewTransport(destination.Private)
			t.Cleanup(transport.CloseIdleConnections)
			transport.TLSClientConfig = &tls.Config{Time: func() time.Time { return now }, RootCAs: roots}
			if !c.trusted {
				transport.TLSClientConfig.RootCAs = x509.NewCertPool()
			}
			_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
			d := open(t, desthttp.Config{URL: "https://localhost:" + port + "/in", AllowPrivate: true}, destination.Deps{Transport: transport})
			out := d.Deliver(t.Context(), delivery())
			if want := "localhost:" + port + ": " + c.want; out.Result != webhook.ResultRetry || out.ErrorClass != "tls" || out.Error != want {
				t.Errorf("outcome %+v, want a retry of class tls: %s", out, want)
			}
		})
	}
}

// issue makes a certificate of an authority of its own, and who trusts that.
func issue(t *testing.T, from, until time.Time, names []string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: from, NotAfter: until, DNSNames: names,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}
