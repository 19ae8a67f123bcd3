package archive

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/bits"
	"path"
	"strconv"
	"strings"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// digest stands for an event's id.
type digest [16]byte

func digestOf(id webhook.EventID) digest {
	sum := sha256.Sum256([]byte(id))
	return digest(sum[:16])
}

// Sum says which events something holds: how many, and the sum of the digests of their ids
// modulo 2^128. The sums of parts add up to that of the whole, in any order.
type Sum struct {
	N      int
	hi, lo uint64
}

func (s *Sum) add(d digest) {
	*s = s.plus(Sum{N: 1, hi: binary.BigEndian.Uint64(d[:8]), lo: binary.BigEndian.Uint64(d[8:])})
}

func (s Sum) plus(o Sum) Sum {
	lo, carry := bits.Add64(s.lo, o.lo, 0)
	hi, _ := bits.Add64(s.hi, o.hi, carry)
	return Sum{N: s.N + o.N, hi: hi, lo: lo}
}

func (s Sum) String() string { return fmt.Sprintf("%d-%016x%016x", s.N, s.hi, s.lo) }

const (
	stampLayout = "20060102T1504Z"
	ending      = ".ndjson.gz"
	// noAccount stands for that of an event without one, or with one that no folder can be
	// called after: no account can be called so.
	noAccount = "_"
)

// folderOf is where the objects of an account and an hour are, as deploy/athena.sql has it.
func folderOf(account string, at time.Time) string {
	at = at.UTC()
	return fmt.Sprintf("%s/day=%s/hour=%02d/", accountFolder(account), at.Format(time.DateOnly), at.Hour())
}

const accountPrefix = "account="

func accountFolder(account string) string { return accountPrefix + account }

// folderAccount is the account as a folder has it.
func folderAccount(account string) string {
	if account == "" || len(account) > 63 || strings.ContainsFunc(account, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-'
	}) {
		return noAccount
	}
	return account
}

// keyOf names an object by when what it holds was received, and by which events it holds:
// what holds the same has the same name.
func keyOf(account string, begin time.Time, s Sum) string {
	return beginning(account, begin) + s.String() + ending
}

// beginning is how the keys of an account's objects begin that hold what was received from
// then on.
func beginning(account string, begin time.Time) string {
	return folderOf(account, begin) + begin.UTC().Format(stampLayout) + "-"
}

// Name is what the key of an object says.
type Name struct {
	Account string
	Begin   time.Time
	Sum     Sum
}

// ReadName reads a key. It is false for one that the archiver does not write.
func ReadName(key string) (Name, bool) {
	folder, file := path.Split(key)
	file, named := strings.CutSuffix(file, ending)
	parts := strings.Split(file, "-")
	account, _, _ := strings.Cut(folder, "/")
	account, below := strings.CutPrefix(account, accountPrefix)
	if !named || !below || len(parts) != 3 {
		return Name{}, false
	}
	begin, err := time.Parse(stampLayout, parts[0])
	if err != nil {
		return Name{}, false
	}
	n, err := strconv.Atoi(parts[1])
	raw, hexErr := hex.DecodeString(parts[2])
	if err != nil || hexErr != nil || len(raw) != len(digest{}) {
		return Name{}, false
	}
	name := Name{Account: account, Begin: begin, Sum: Sum{N: n, hi: binary.BigEndian.Uint64(raw[:8]), lo: binary.BigEndian.Uint64(raw[8:])}}
	return name, keyOf(name.Account, name.Begin, name.Sum) == key
}
