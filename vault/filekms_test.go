package vault

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"hezuo/fault"

	"pgregory.net/rapid"
)

func TestMasterKeyForms(t *testing.T) {
	text, err := GenerateMasterKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ParseMasterKey(text)
	if err != nil || len(key) != masterKeySize {
		t.Fatalf("%d bytes, %v", len(key), err)
	}
	if other, _ := GenerateMasterKey(rand.Reader); other == text {
		t.Error("two master keys alike")
	}
	for _, form := range []string{
		" " + text + "\r\n", strings.TrimRight(text, "="),
		base64.URLEncoding.EncodeToString(key), base64.RawURLEncoding.EncodeToString(key),
	} {
		if got, err := ParseMasterKey(form); err != nil || !bytes.Equal(got, key) {
			t.Errorf("%d characters: %v", len(form), err)
		}
	}
	for name, bad := range map[string]string{
		"empty": "", "31 bytes": base64.StdEncoding.EncodeToString(key[1:]), "no base64": "?" + text[1:],
		"33 bytes": base64.StdEncoding.EncodeToString(append(key[:32:32], 1)), "hexadecimal": hex.EncodeToString(key),
		"zeros": base64.StdEncoding.EncodeToString(make([]byte, 32)),
	} {
		if _, err := ParseMasterKey(bad); !fault.Is(err, fault.Invalid) || bad != "" && strings.Contains(err.Error(), bad[:8]) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, bad := range [][]byte{nil, {}, make([]byte, 16), make([]byte, 32)} {
		if _, err := NewFileKMS(bad); err == nil {
			t.Errorf("%d bytes were taken for a master key", len(bad))
		}
		if _, err := NewFileKMS(key, bad); err == nil {
			t.Errorf("%d bytes were taken for an older master key", len(bad))
		}
	}
}

func TestFileKMS(t *testing.T) {
	m1, m2, m12 := fileKMS(t, "m1"), fileKMS(t, "m2"), fileKMS(t, "m1", "m2")
	if m1.KeyID() != m12.KeyID() || m1.KeyID() == m2.KeyID() {
		t.Errorf("key ids %s, %s, %s", m1.KeyID(), m2.KeyID(), m12.KeyID())
	}
	if strings.Contains(m1.KeyID(), hex.EncodeToString(masterKey("m1")[:2])) {
		t.Error("the key id shows the key")
	}
	rapid.Check(t, func(r *rapid.T) {
		ctx := t.Context()
		dataKey := rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(r, "data key")
		aad := rapid.SliceOf(rapid.Byte()).Draw(r, "aad")
		kms := rapid.SampledFrom([]*FileKMS{m1, m2}).Draw(r, "kms")
		wrapped, err := kms.Wrap(ctx, dataKey, aad)
		if err != nil || bytes.Contains(wrapped, dataKey) {
			r.Fatalf("wrap: %v", err)
		}
		if got, err := m12.Unwrap(ctx, kms.KeyID(), wrapped, aad); err != nil || !bytes.Equal(got, dataKey) {
			r.Fatalf("unwrap: %v", err)
		}
		other := map[*FileKMS]*FileKMS{m1: m2, m2: m1}[kms]
		if _, err := other.Unwrap(ctx, kms.KeyID(), wrapped, aad); !errors.Is(err, ErrNoMasterKey) {
			r.Fatalf("without the master key: %v", err)
		}
		if _, err := m12.Unwrap(ctx, other.KeyID(), wrapped, aad); !errors.Is(err, ErrNotWrapped) {
			r.Fatalf("with another master key: %v", err)
		}
		if _, err := kms.Unwrap(ctx, kms.KeyID(), wrapped, append(aad, 0)); !errors.Is(err, ErrNotWrapped) {
			r.Fatalf("for another place: %v", err)
		}
		wrapped[rapid.IntRange(0, len(wrapped)-1).Draw(r, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(r, "bit")
		if _, err := kms.Unwrap(ctx, kms.KeyID(), wrapped, aad); !errors.Is(err, ErrNotWrapped) {
			r.Fatalf("changed: %v", err)
		}
	})
}
