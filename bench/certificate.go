package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// systemBundles are where Debian and Amazon Linux keep all certificates in one file.
var systemBundles = []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"}

// newCertificate makes an authority and a certificate of it for the loopback address.
// It writes two bundles into dir that hold this authority behind others, so that what
// reads one reads as much as it does in Lambda: bundle.pem with those of the system,
// amazon.pem with those that the functions ask first.
func newCertificate(root, dir string) (*tls.Certificate, error) {
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "bench authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	authorityForm, err := x509.CreateCertificate(rand.Reader, authority, authority, &authorityKey.PublicKey, authorityKey)
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "127.0.0.1"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: authority.NotBefore, NotAfter: authority.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	leafForm, err := x509.CreateCertificate(rand.Reader, leaf, authority, &key.PublicKey, authorityKey)
	if err != nil {
		return nil, err
	}
	own := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authorityForm})
	certificate := &tls.Certificate{Certificate: [][]byte{leafForm}, PrivateKey: key}
	amazon, err := os.ReadFile(filepath.Join(root, "pkg/app/awsnet/roots.pem"))
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "amazon.pem"), append(amazon, own...), 0o600); err != nil {
		return nil, err
	}
	for _, system := range systemBundles {
		if trusted, err := os.ReadFile(system); err == nil {
			return certificate, os.WriteFile(filepath.Join(dir, "bundle.pem"), append(trusted, own...), 0o600)
		}
	}
	return nil, errors.New("this machine has no bundle of certificates where Debian and Amazon Linux have theirs")
}
