package store

import (
	"fmt"
	"strings"
	"time"
)

// Key is a position in an index: parts joined so that keys compare part by part
// as plain strings, in any backend. Make it with [K].
type Key string

// separator sorts below every character that a part can hold.
const separator = "\x1e"

// K makes a key of parts: strings, integers, instants and booleans. Strings
// compare by bytes, integers by value, instants by time (to the millisecond).
// It panics on any other type: that is a defect of the caller.
func K(parts ...any) Key {
	s := make([]string, len(parts))
	for i, p := range parts {
		switch v := p.(type) {
		case string:
			s[i] = escape(v)
		case int:
			s[i] = integer(int64(v))
		case int64:
			s[i] = integer(v)
		case bool:
			s[i] = map[bool]string{false: "0", true: "1"}[v]
		case time.Time:
			s[i] = v.UTC().Format("2006-01-02T15:04:05.000Z")
		case fmt.Stringer:
			s[i] = escape(v.String())
		default:
			panic(fmt.Sprintf("store: a key cannot hold a %T", p))
		}
	}
	return Key(strings.Join(s, separator))
}

// integer keeps the order of all int64 values in 16 hexadecimal digits.
func integer(n int64) string { return fmt.Sprintf("%016x", uint64(n)^(1<<63)) }

// escape keeps parts free of the separator, and distinct parts distinct.
func escape(s string) string {
	if strings.IndexFunc(s, isControl) < 0 {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c < 0x20 {
			b.WriteByte(0x1f)
			b.WriteByte(c + 0x40)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func isControl(r rune) bool { return r < 0x20 }

// Bounds turns a query's prefix and range into one half-open range of keys, for
// backends. An empty end is unbounded.
func (q Query) Bounds() (from, to Key) {
	from, to = q.From, q.To
	if q.Prefix == "" {
		return from, to
	}
	// The keys with these parts are the prefix itself and what follows the
	// separator behind it; the character after the separator ends the range.
	if from < q.Prefix {
		from = q.Prefix
	}
	if end := q.Prefix + Key(separator[0]+1); to == "" || end < to {
		to = end
	}
	return from, to
}
