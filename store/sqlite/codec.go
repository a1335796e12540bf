package sqlite

import (
	"encoding/binary"
	"errors"

	"hezuo/store"
)

// A document's commands, head and epochs, and the list of its keys, are kept as
// counted strings and numbers: they are read with nearly every document, and to
// take them apart as JSON would cost more than to read them.

// codecVersion begins what is encoded here.
const codecVersion = 1

var errGarbled = errors.New("a document's row cannot be read")

// heldKey is one key that a document holds in an index.
type heldKey struct {
	ix  int64
	key store.Key
}

func encodeMeta(d *store.Document) []byte {
	b := make([]byte, 0, 96+110*len(d.Commands))
	b = append(b, codecVersion)
	b = putString(b, d.Head)
	b = binary.AppendUvarint(b, uint64(len(d.Commands)))
	for _, c := range d.Commands {
		b = putString(b, c.ID)
		b = binary.AppendVarint(b, c.Rev)
		b = putString(b, c.Hash)
	}
	b = binary.AppendUvarint(b, uint64(len(d.Epochs)))
	for lease, epoch := range d.Epochs {
		b = putString(b, lease)
		b = binary.AppendVarint(b, epoch)
	}
	return b
}

func decodeMeta(b []byte, d *store.Document) error {
	r := newReader(b)
	d.Head = r.string()
	if n := r.count(); n > 0 {
		d.Commands = make([]store.Done, n)
		for i := range d.Commands {
			d.Commands[i] = store.Done{ID: r.string(), Rev: r.varint(), Hash: r.string()}
		}
	}
	if n := r.count(); n > 0 {
		d.Epochs = make(map[string]int64, n)
		for range n {
			lease := r.string()
			d.Epochs[lease] = r.varint()
		}
	}
	return r.end()
}

func encodeKeys(keys []heldKey) []byte {
	b := make([]byte, 0, 2+32*len(keys))
	b = append(b, codecVersion)
	b = binary.AppendUvarint(b, uint64(len(keys)))
	for _, k := range keys {
		b = binary.AppendVarint(b, k.ix)
		b = putString(b, string(k.key))
	}
	return b
}

func decodeKeys(b []byte) ([]heldKey, error) {
	r := newReader(b)
	keys := make([]heldKey, r.count())
	for i := range keys {
		keys[i] = heldKey{r.varint(), store.Key(r.string())}
	}
	return keys, r.end()
}

func putString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// byteReader takes apart what was encoded. The strings that it gives share one
// copy of the whole.
type byteReader struct {
	s   string
	bad bool
}

func newReader(b []byte) *byteReader {
	r := &byteReader{s: string(b)}
	if len(r.s) == 0 || r.s[0] != codecVersion {
		r.bad, r.s = true, ""
		return r
	}
	r.s = r.s[1:]
	return r
}

func (r *byteReader) uvarint() uint64 {
	var v uint64
	for i := 0; i < len(r.s) && i < binary.MaxVarintLen64; i++ {
		c := r.s[i]
		v |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			r.s = r.s[i+1:]
			return v
		}
	}
	r.bad, r.s = true, ""
	return 0
}

func (r *byteReader) varint() int64 {
	v := r.uvarint()
	return int64(v>>1) ^ -int64(v&1) //nolint:gosec // zigzag: the bits are meant
}

// count reads how many things follow; each takes at least two bytes.
func (r *byteReader) count() int {
	n := r.uvarint()
	if n > uint64(len(r.s))/2 {
		r.bad, r.s = true, ""
		return 0
	}
	return int(n) //nolint:gosec // bounded above
}

func (r *byteReader) string() string {
	n := r.uvarint()
	if n > uint64(len(r.s)) {
		r.bad, r.s = true, ""
		return ""
	}
	s := r.s[:n]
	r.s = r.s[n:]
	return s
}

// end reports whether everything was read, and nothing else was there.
func (r *byteReader) end() error {
	if r.bad || r.s != "" {
		return errGarbled
	}
	return nil
}
