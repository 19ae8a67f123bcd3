package awsnet

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"smartlead-receiver/test/testclock"
)

// host is a server over TLS that counts the connections to it.
type host struct {
	*httptest.Server
	opened atomic.Int64
}

func newHost(t *testing.T) *host {
	t.Helper()
	h := &host{Server: httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "here")
	}))}
	h.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			h.opened.Add(1)
		}
	}
	h.Config.ErrorLog = nil
	h.StartTLS()
	t.Cleanup(h.Close)
	return h
}

func (h *host) bundle(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "bundle.pem")
	form := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: h.Certificate().Raw})
	if err := os.WriteFile(file, form, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func (h *host) name() string { return strings.TrimPrefix(h.URL, "https://") }

func get(t *testing.T, d *Dialer, url string) error {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := d.Client().Do(req)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	if text, err := io.ReadAll(r.Body); err != nil || string(text) != "here" {
		t.Errorf("the host answered %q, %v", text, err)
	}
	return nil
}

func TestAuthoritiesOfAmazon(t *testing.T) {
	d, err := NewDialer("")
	if err != nil {
		t.Fatal(err)
	}
	want, rest := x509.NewCertPool(), amazonRoots
	n := 0
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		n++
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		want.AddCert(c)
		if !c.IsCA || time.Until(c.NotAfter) < 5*365*24*time.Hour {
			t.Errorf("%s is no authority for the years to come: until %s", c.Subject.CommonName, c.NotAfter)
		}
	}
	if n != 5 || !d.roots.Equal(want) {
		t.Errorf("%d authorities, want the five of Amazon", n)
	}
}

func TestAHostOfAnotherAuthorityIsJudgedByThoseOfTheSystem(t *testing.T) {
	h := newHost(t)
	d, err := NewDialer("")
	if err != nil {
		t.Fatal(err)
	}
	d.system = func() (*x509.CertPool, error) { return x509.NewCertPool(), nil }
	var unknown x509.UnknownAuthorityError
	if err := get(t, d, h.URL); !errors.As(err, &unknown) {
		t.Fatalf("a host that no authority vouches for: %v, want an unknown authority", err)
	}
	asked := 0
	d.system = func() (*x509.CertPool, error) {
		asked++
		pool := x509.NewCertPool()
		pool.AddCert(h.Certificate())
		return pool, nil
	}
	for range 2 {
		if err := get(t, d, h.URL); err != nil {
			t.Fatal(err)
		}
	}
	if asked != 1 {
		t.Errorf("the authorities of the system were read %d times, want once", asked)
	}
}

func TestABundleIsTrusted(t *testing.T) {
	h := newHost(t)
	d, err := NewDialer(h.bundle(t))
	if err != nil {
		t.Fatal(err)
	}
	d.system = func() (*x509.CertPool, error) { return nil, errors.New("not to be asked") }
	if err := get(t, d, h.URL); err != nil {
		t.Error(err)
	}
	if _, err := NewDialer(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a bundle that is not there is no error")
	}
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := NewDialer(empty); err == nil {
		t.Error("a bundle without a certificate is no error")
	}
}

func TestTheFirstCallFindsItsConnectionOpen(t *testing.T) {
	tests := map[string]struct {
		after time.Duration
		want  int64
	}{
		"at once":                {0, 1},
		"within ten seconds":     {fresh - time.Millisecond, 1},
		"after a freeze":         {fresh, 2},
		"the clock was set back": {-time.Second, 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			d, err := NewDialer(h.bundle(t))
			if err != nil {
				t.Fatal(err)
			}
			now := testclock.Noon()
			d.now = func() time.Time { return now }
			d.Open(t.Context(), h.name())
			if n := h.opened.Load(); n != 1 {
				t.Fatalf("%d connections before the first call, want 1", n)
			}
			now = now.Add(tt.after)
			if err := get(t, d, h.URL); err != nil {
				t.Fatal(err)
			}
			if n := h.opened.Load(); n != tt.want {
				t.Errorf("%d connections, want %d", n, tt.want)
			}
		})
	}
}

func TestOpenGivesUpWithItsContext(t *testing.T) {
	silent, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0") // accepts, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	d, err := NewDialer("")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	d.Open(ctx, silent.Addr().String(), "127.0.0.1:1")
	if len(d.ahead) != 0 {
		t.Errorf("%d connections were opened to hosts that do not answer", len(d.ahead))
	}
}
