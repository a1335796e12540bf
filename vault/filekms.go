package vault

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"hezuo/fault"
)

// masterKeySize is the length of a master key in bytes.
const masterKeySize = 32

// FileKMS is the KMS of a house that keeps its master key in a file or in its
// environment. It wraps with AES-256-GCM. It does not hold the master keys
// themselves, only the ciphers made of them.
type FileKMS struct {
	current string
	ciphers map[string]cipher.AEAD // by key id
}

var _ KMS = (*FileKMS)(nil)

// NewFileKMS makes a KMS of the current master key and of older ones, which it
// uses for unwrapping only. The slices are the caller's to clear afterwards.
func NewFileKMS(master []byte, older ...[]byte) (*FileKMS, error) {
	k := &FileKMS{ciphers: make(map[string]cipher.AEAD, 1+len(older))}
	for i, key := range append([][]byte{master}, older...) {
		if err := checkMasterKey(key); err != nil {
			return nil, err
		}
		id, err := hkdf.Key(sha256.New, key, nil, "hezuo vault: id of a master key", 8)
		if err != nil {
			return nil, fmt.Errorf("master key: %w", err)
		}
		// The wrapping key is derived too, so that id and cipher share no key.
		wrapping, err := hkdf.Key(sha256.New, key, nil, "hezuo vault: wrapping of data keys", 32)
		if err != nil {
			return nil, fmt.Errorf("master key: %w", err)
		}
		aead, err := newAEAD(wrapping)
		if err != nil {
			return nil, err
		}
		name := "file-" + hex.EncodeToString(id)
		if i == 0 {
			k.current = name
		}
		k.ciphers[name] = aead
	}
	return k, nil
}

// KeyID gives the fingerprint of the current master key.
func (k *FileKMS) KeyID() string { return k.current }

// Wrap encrypts with the current master key.
func (k *FileKMS) Wrap(_ context.Context, dataKey, aad []byte) ([]byte, error) {
	return k.ciphers[k.current].Seal(nil, nil, dataKey, aad), nil
}

// Unwrap decrypts with the master key that keyID names.
func (k *FileKMS) Unwrap(_ context.Context, keyID string, wrapped, aad []byte) ([]byte, error) {
	aead, ok := k.ciphers[keyID]
	if !ok {
		return nil, fmt.Errorf("key %s: %w", keyID, ErrNoMasterKey)
	}
	dataKey, err := aead.Open(nil, nil, wrapped, aad)
	if err != nil {
		return nil, ErrNotWrapped
	}
	return dataKey, nil
}

// GenerateMasterKey makes a master key in the form that [ParseMasterKey] reads.
func GenerateMasterKey(rand io.Reader) (string, error) {
	key := make([]byte, masterKeySize)
	defer clear(key)
	if _, err := io.ReadFull(rand, key); err != nil {
		return "", fmt.Errorf("master key: %w", err)
	}
	return base64.StdEncoding.EncodeToString(key), nil
}

// ParseMasterKey reads 32 bytes of base64, standard or URL-safe, with or without
// padding, with white space around it. No error holds any of the text.
func ParseMasterKey(text string) ([]byte, error) {
	text = strings.TrimRight(strings.TrimSpace(text), "=")
	text = strings.NewReplacer("-", "+", "_", "/").Replace(text)
	key, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return nil, errMasterKey // not err: it tells a position in the key
	}
	if err := checkMasterKey(key); err != nil {
		return nil, err
	}
	return key, nil
}

var errMasterKey = fault.Field("master_key", "a master key is 32 random bytes in base64", "make one with: head -c 32 /dev/urandom | base64")

// checkMasterKey refuses a key of another length, and one made of a single byte,
// which is a placeholder and no key.
func checkMasterKey(key []byte) error {
	if len(key) != masterKeySize || bytes.Count(key, key[:1]) == masterKeySize {
		return errMasterKey
	}
	return nil
}

// newAEAD makes AES-256-GCM that puts a random nonce of its own before each
// ciphertext. With 96 random bits one key is good for 2³² values.
func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("cipher: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("cipher: %w", err)
	}
	return aead, nil
}
