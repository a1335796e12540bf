package identity

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"

	"hezuo/fault"
)

// PublicJWK is the public part of a key, with nothing that is not needed.
type PublicJWK struct {
	Kty string `json:"kty"` // OKP or EC
	Crv string `json:"crv"` // Ed25519 or P-256
	X   string `json:"x"`
	Y   string `json:"y,omitempty"` // of EC
	Kid string `json:"kid,omitempty"`
	Use string `json:"use,omitempty"`
	Alg string `json:"alg,omitempty"`
}

// KeySet is a JWK Set (RFC 7517).
type KeySet struct {
	Keys []PublicJWK `json:"keys"`
}

// JWKS gives the public keys by which access tokens can be verified now. Whoever
// verifies by them alone does not see that a session was ended.
func (s *Service) JWKS(ctx context.Context) (KeySet, error) {
	now := s.cfg.Now()
	r, err := s.keyring(ctx, func(r *ring) bool { return r.young(now, ringAge) })
	if err != nil {
		return KeySet{}, err
	}
	set := KeySet{Keys: []PublicJWK{}}
	for _, k := range r.keys {
		if r.find(k.ID, now) != nil {
			set.Keys = append(set.Keys, PublicJWK{
				Kty: "OKP", Crv: "Ed25519", X: base64.RawURLEncoding.EncodeToString(k.Public),
				Kid: k.ID, Use: "sig", Alg: "EdDSA",
			})
		}
	}
	return set, nil
}

// openRingKey opens a key's private part and compares it with the public one.
func (s *Service) openRingKey(ctx context.Context, k ringKey) (ed25519.PrivateKey, error) {
	text, err := s.cfg.Vault.Open(ctx, ringOwner, k.ID, k.Private)
	if err != nil {
		return nil, err
	}
	seed, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, fault.New(fault.Internal, "a token key cannot be read")
	}
	private := ed25519.NewKeyFromSeed(seed)
	if !bytes.Equal(private[ed25519.SeedSize:], k.Public) {
		return nil, fault.New(fault.Internal, "a token key's halves do not belong together")
	}
	return private, nil
}
