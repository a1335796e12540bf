package client

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"

	"hezuo/identity"
)

// Device holds a signing key that never leaves it: ECDSA on P-256.
type Device struct {
	key        *ecdsa.PrivateKey
	jwk        []byte
	thumbprint string
}

// NewDevice makes a key.
func NewDevice() (*Device, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	point, err := key.PublicKey.Bytes() // 4, x, y
	if err != nil {
		return nil, err
	}
	jwk, err := json.Marshal(identity.PublicJWK{Kty: "EC", Crv: "P-256", X: b64(point[1:33]), Y: b64(point[33:])})
	if err != nil {
		return nil, err
	}
	_, thumbprint, err := identity.ParseDeviceKey(jwk)
	return &Device{key, jwk, thumbprint}, err
}

// Thumbprint gives the key's RFC 7638 thumbprint.
func (d *Device) Thumbprint() string { return d.thumbprint }

// JWK gives the public key as WebCrypto exports it.
func (d *Device) JWK() json.RawMessage { return d.jwk }

// Register makes the key one of the signed-in person's: they give back a code sent
// to their phone, and the key signs that it is here.
func (d *Device) Register(ctx context.Context, c *Client, label string, codes Codes) (identity.Binding, error) {
	sent, err := Post[codeSent](ctx, c, "/v1/me/codes", map[string]string{"purpose": string(identity.PurposeDeviceKey)})
	if err != nil {
		return identity.Binding{}, err
	}
	digits, err := codes(ctx, sent.Code)
	if err != nil {
		return identity.Binding{}, err
	}
	possession, err := d.Sign(identity.Challenge(c.Person(), d.thumbprint, sent.Code))
	if err != nil {
		return identity.Binding{}, err
	}
	return Post[identity.Binding](ctx, c, "/v1/me/device-keys", map[string]any{
		"key": json.RawMessage(d.jwk), "label": label, "code": sent.Code, "digits": digits, "possession": possession,
	})
}

// Signing is what there is to sign: the contract, and the protected header for
// each key that the person can sign with.
type Signing struct {
	Payload string `json:"payload"` // base64url
	SHA256  string `json:"sha256"`
	Headers []struct {
		Key       string `json:"kid"`
		Protected string `json:"protected"`
	} `json:"headers"`
}

// Contract gives the bytes that are to be signed, for the person to read.
func (s Signing) Contract() ([]byte, error) { return base64.RawURLEncoding.DecodeString(s.Payload) }

// SignHandshake signs what was agreed. read is shown the contract first, and an
// error of it keeps the key from signing.
func (d *Device) SignHandshake(ctx context.Context, c *Client, handshake string, read func(contract []byte) error) error {
	s, err := Get[Signing](ctx, c, "/v1/handshakes/"+handshake+"/signing")
	if err != nil {
		return err
	}
	contract, err := s.Contract()
	if err != nil {
		return err
	}
	if err := read(contract); err != nil {
		return err
	}
	for _, h := range s.Headers {
		if h.Key != d.thumbprint {
			continue
		}
		protected := b64([]byte(h.Protected))
		signature, err := d.Sign([]byte(protected + "." + s.Payload))
		if err != nil {
			return err
		}
		_, err = c.Do(ctx, http.MethodPost, "/v1/handshakes/"+handshake+"/signature", map[string]string{"protected": protected, "signature": signature}, nil)
		return err
	}
	return fmt.Errorf("this device's key is not among the %d that can sign now", len(s.Headers))
}

// Sign gives the ES256 signature over data: r and s of 32 bytes each, base64url.
func (d *Device) Sign(data []byte) (string, error) {
	sum := sha256.Sum256(data)
	r, s, err := ecdsa.Sign(rand.Reader, d.key, sum[:])
	if err != nil {
		return "", err
	}
	raw := make([]byte, 64)
	r.FillBytes(raw[:32])
	s.FillBytes(raw[32:])
	return b64(raw), nil
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
