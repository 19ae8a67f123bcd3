// Package awsnet connects the functions to AWS: whom they trust, and connections that
// are open before the first invocation needs them.
package awsnet

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// amazonRoots are the authorities that AWS's certificates come from
// (amazontrust.com/repository). Reading these few takes a fraction of the time that
// those of the system take, which every new instance would spend.
//
//go:embed roots.pem
var amazonRoots []byte

const (
	connectTimeout   = 5 * time.Second
	handshakeTimeout = 5 * time.Second
	keepAlive        = 30 * time.Second
	// idle is how many connections to one host are kept: as many as the elements of an
	// array that are claimed at once.
	idle = 32
	// writeBuffer holds a call with its head, in bytes, as nearly all are. The default is
	// 4 KB: head and body would be two writes, or three.
	writeBuffer = 16 << 10
	// fresh is the age up to which a connection that was opened ahead is used. The host
	// closes one that says nothing, and the client would learn of it by a failed call.
	fresh = 10 * time.Second
)

// Dialer opens connections over TLS. It is safe for concurrent use.
type Dialer struct {
	net    net.Dialer
	now    func() time.Time
	system func() (*x509.CertPool, error)

	mu    sync.Mutex
	roots *x509.CertPool // nil: those of the system
	ahead map[string]opened
}

type opened struct {
	conn net.Conn
	at   time.Time
}

// NewDialer returns a dialer that trusts the authorities in the file bundle, or those
// of Amazon where it is "". A host that none of them vouches for is judged by those of
// the system, so that a new authority of AWS ends nothing.
func NewDialer(bundle string) (*Dialer, error) {
	pem := amazonRoots
	if bundle != "" {
		var err error
		if pem, err = os.ReadFile(bundle); err != nil { //nolint:gosec // whoever deploys names it
			return nil, fmt.Errorf("authorities to trust: %w", err)
		}
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("authorities to trust: %s holds no certificate", bundle)
	}
	return &Dialer{
		net: net.Dialer{Timeout: connectTimeout, KeepAlive: keepAlive}, now: time.Now,
		system: x509.SystemCertPool, roots: roots, ahead: map[string]opened{},
	}, nil
}

// Client is an HTTP client over the dialer's connections: the SDK's, and a shorter way
// for the requests that are most of all, small ones by POST.
type Client struct {
	http   *awshttp.BuildableClient
	direct *direct // nil where a proxy may be between
}

// Client returns a client. It is safe for concurrent use.
func (d *Dialer) Client() Client {
	c := Client{http: awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.DialTLSContext = d.dial
		t.ForceAttemptHTTP2 = false // neither DynamoDB nor SQS nor S3 speaks it
		t.MaxIdleConnsPerHost = idle
		t.WriteBufferSize = writeBuffer
	})}
	if !proxied() {
		c.direct = &direct{dialer: d, idle: map[string][]*conn{}}
	}
	return c
}

// proxied tells whether the environment names a proxy, for which hosts ever.
func proxied() bool {
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"} {
		if os.Getenv(name) != "" {
			return true
		}
	}
	return false
}

// Do sends a request. A body that is a bytes.Reader goes out in one piece with its
// head, as long as both fit the buffer. Redirects of a small request by POST are not
// followed: no service answers with one that asks for the same again.
func (c Client) Do(r *http.Request) (*http.Response, error) {
	if c.direct.takes(r) {
		return c.direct.do(r)
	}
	return c.http.Do(r)
}

// Open opens a connection to each host, "name:port", for the first call to it. It
// returns when all are open or ctx ends. A host that does not answer is no error: its
// first call tries again.
func (d *Dialer) Open(ctx context.Context, hosts ...string) {
	var all sync.WaitGroup
	for _, host := range hosts {
		all.Go(func() {
			conn, err := d.connect(ctx, "tcp", host)
			if err != nil {
				return
			}
			d.mu.Lock()
			defer d.mu.Unlock()
			d.ahead[host] = opened{conn: conn, at: d.wall()}
		})
	}
	all.Wait()
}

// dial takes the connection that was opened ahead, or opens one.
func (d *Dialer) dial(ctx context.Context, network, host string) (net.Conn, error) {
	d.mu.Lock()
	before, found := d.ahead[host]
	delete(d.ahead, host)
	d.mu.Unlock()
	if found {
		if age := d.wall().Sub(before.at); age >= 0 && age < fresh {
			return before.conn, nil
		}
		_ = before.conn.Close() // nobody has used it
	}
	return d.connect(ctx, network, host)
}

// wall is wall-clock time: the monotonic clock may stand still while the process is
// frozen.
func (d *Dialer) wall() time.Time { return d.now().Round(0) }

func (d *Dialer) connect(ctx context.Context, network, host string) (net.Conn, error) {
	d.mu.Lock()
	roots := d.roots
	d.mu.Unlock()
	conn, err := d.handshake(ctx, network, host, roots)
	var unknown x509.UnknownAuthorityError
	if roots == nil || !errors.As(err, &unknown) {
		return conn, err
	}
	all, err := d.system()
	if err != nil {
		return nil, fmt.Errorf("the system's authorities: %w", err)
	}
	if conn, err = d.handshake(ctx, network, host, all); err != nil {
		return nil, err
	}
	d.mu.Lock()
	d.roots = all
	d.mu.Unlock()
	return conn, nil
}

func (d *Dialer) handshake(ctx context.Context, network, host string, roots *x509.CertPool) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout+handshakeTimeout)
	defer cancel()
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		return nil, err
	}
	plain, err := d.net.DialContext(ctx, network, host)
	if err != nil {
		return nil, err
	}
	conn := tls.Client(plain, &tls.Config{ServerName: name, RootCAs: roots, MinVersion: tls.VersionTLS12})
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = plain.Close() // the handshake's error tells more
		return nil, err
	}
	return conn, nil
}
