package awswire

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// signer signs the requests to one service, byte for byte as the SDK's signer does
// (docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html).
// It is safe for concurrent use.
type signer struct {
	service, region string
	escaped         bool // the path is signed as it is sent; all but S3 escape it once more
	latest          atomic.Pointer[signingKey]
}

// signingKey is derived of a secret for a day.
type signingKey struct {
	secret, day string
	key         []byte
}

func (s *signer) key(secret, day string) []byte {
	if k := s.latest.Load(); k != nil && k.secret == secret && k.day == day {
		return k.key
	}
	key := []byte("AWS4" + secret)
	for _, part := range []string{day, s.region, s.service, "aws4_request"} {
		key = mac(key, []byte(part))
	}
	s.latest.Store(&signingKey{secret, day, key})
	return key
}

func mac(key, text []byte) []byte {
	h := hmac.New(sha256.New, key)
	_, _ = h.Write(text) // a hash takes everything
	return h.Sum(nil)
}

// sign adds the headers of a signature to a request, whose body has that hash.
func (s *signer) sign(req *http.Request, by aws.Credentials, hash string, at time.Time) {
	date := at.UTC().Format("20060102T150405Z")
	req.Header["X-Amz-Date"] = []string{date}
	if by.SessionToken != "" {
		req.Header["X-Amz-Security-Token"] = []string{by.SessionToken}
	}
	canonical, names := s.canonical(req, hash)
	sum := sha256.Sum256(canonical)
	scope := date[:8] + "/" + s.region + "/" + s.service + "/aws4_request"
	text := append(make([]byte, 0, 160), "AWS4-HMAC-SHA256\n"+date+"\n"+scope+"\n"...)
	text = hex.AppendEncode(text, sum[:])
	signature := hex.EncodeToString(mac(s.key(by.SecretAccessKey, date[:8]), text))
	req.Header["Authorization"] = []string{
		"AWS4-HMAC-SHA256 Credential=" + by.AccessKeyID + "/" + scope + ", SignedHeaders=" + names + ", Signature=" + signature,
	}
}

// canonical writes a request as it is signed, and returns the names of the headers in it.
func (s *signer) canonical(req *http.Request, hash string) (text []byte, names string) {
	type header struct{ name, value string }
	headers := append(make([]header, 0, 16), header{"host", req.URL.Host})
	if req.ContentLength > 0 {
		headers = append(headers, header{"content-length", strconv.FormatInt(req.ContentLength, 10)})
	}
	for name, values := range req.Header {
		switch name {
		case "User-Agent", "X-Amzn-Trace-Id": // what lies between may change them
			continue
		}
		headers = append(headers, header{strings.ToLower(name), oneSpaced(values[0])})
	}
	slices.SortFunc(headers, func(a, b header) int { return strings.Compare(a.name, b.name) })
	path := req.URL.EscapedPath()
	if !s.escaped {
		path = escapePath(path)
	}
	text = append(make([]byte, 0, 1024), req.Method+"\n"+path+"\n"+req.URL.RawQuery+"\n"...)
	list := make([]byte, 0, 128)
	for i, h := range headers {
		if i > 0 {
			list = append(list, ';')
		}
		list = append(list, h.name...)
		text = append(append(append(append(text, h.name...), ':'), h.value...), '\n')
	}
	text = append(append(append(append(text, '\n'), list...), '\n'), hash...)
	return text, string(list)
}

// oneSpaced is a value without space around it, and with one where it has several.
func oneSpaced(value string) string {
	value = strings.TrimSpace(value)
	for strings.Contains(value, "  ") {
		value = strings.ReplaceAll(value, "  ", " ")
	}
	return value
}
