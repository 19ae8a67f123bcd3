// Package pack compresses payloads with a dictionary of what all of them have, so that
// a small one becomes a third.
//
// A packed text names its encoding, and every encoding that was ever written is read.
// scripts/dictionary builds the dictionaries.
package pack

import (
	_ "embed"
	"errors"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// Encoding names how Pack compresses now: zstd with the first dictionary.
const Encoding = "zstd-1"

// plain is zstd without a dictionary.
const plain = "zstd"

// MaxText bounds what Unpack returns, in bytes: more than Lambda lets in (6 MB of
// event JSON).
const MaxText = 16 << 20

// window bounds what the compressor keeps in memory, in bytes. Bodies are small or
// noise: a larger one gains nothing.
const window = 512 << 10

//go:embed 1.dict
var first []byte

// With a dictionary, the faster level costs less than half of the default one, and
// leaves a body of 4 KB two per cent larger. What is stored has checksums of the
// store's.
var encoder = sync.OnceValues(func() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(window),
		zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false), zstd.WithEncoderDict(first))
})

var decoder = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(MaxText), zstd.WithDecoderDicts(first))
})

// Ready builds what packs and unpacks, once for the process, so that the first text
// does not wait for it.
func Ready() error {
	_, packs := encoder()
	_, unpacks := decoder()
	return errors.Join(packs, unpacks)
}

// Warm fills the tables of what packs from the dictionary, so that the first text does
// not wait for that: it is for a process whose next work is to pack.
func Warm() error {
	_, err := Pack([]byte("{}"))
	return err
}

// Pack compresses a text, under Encoding. Safe for concurrent use.
func Pack(text []byte) ([]byte, error) {
	enc, err := encoder()
	if err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	return enc.EncodeAll(text, make([]byte, 0, len(text)/3+64)), nil
}

// Unpack returns a text that was packed under that encoding. size is how long it
// is, where that is known. Safe for concurrent use.
func Unpack(encoding string, packed []byte, size int) ([]byte, error) {
	if encoding != Encoding && encoding != plain {
		return nil, fmt.Errorf("pack: unknown encoding %q", encoding)
	}
	dec, err := decoder()
	if err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	text, err := dec.DecodeAll(packed, make([]byte, 0, min(max(size, 0), MaxText)))
	if err != nil {
		return nil, fmt.Errorf("pack: a text cannot be decompressed: %w", err)
	}
	return text, nil
}
