package identity

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"hezuo/fault"
)

// errSignature says that a signature is not by the key over the data.
var errSignature = fault.New(fault.Invalid, "the signature does not fit the key and the data")

// ParseDeviceKey reads an ECDSA P-256 public key from a JWK as WebCrypto exports
// it, and gives its one form and its RFC 7638 thumbprint. The point must be on the
// curve, and a private part is refused. Errors: an [fault.Invalid] fault on "key".
func ParseDeviceKey(jwk []byte) (PublicJWK, string, error) {
	var k jose.JSONWebKey
	if len(jwk) > 4096 || k.UnmarshalJSON(jwk) != nil { // its error may quote a private part
		return PublicJWK{}, "", fault.Field("key", "it is no public key in JWK form, or not a point of its curve", "export the public key with WebCrypto as jwk")
	}
	if !k.IsPublic() {
		return PublicJWK{}, "", fault.Field("key", "it is a private or a symmetric key", "make a new pair that cannot be extracted, and send its public key only")
	}
	public, ok := k.Key.(*ecdsa.PublicKey)
	if !ok || public.Curve != elliptic.P256() {
		return PublicJWK{}, "", fault.Field("key", "it is not of the kind ECDSA P-256", "make the pair with WebCrypto as ECDSA, P-256")
	}
	point, err := public.Bytes() // 4, x, y
	if err != nil {
		return PublicJWK{}, "", fault.Field("key", "it is not a point of its curve", "export the public key with WebCrypto as jwk")
	}
	thumbprint, err := thumbprintOf(public)
	b64 := base64.RawURLEncoding.EncodeToString
	return PublicJWK{Kty: "EC", Crv: "P-256", X: b64(point[1:33]), Y: b64(point[33:])}, thumbprint, err
}

// thumbprintOf gives a public key's RFC 7638 thumbprint.
func thumbprintOf(public crypto.PublicKey) (string, error) {
	sum, err := (&jose.JSONWebKey{Key: public}).Thumbprint(crypto.SHA256)
	if err != nil {
		return "", fault.New(fault.Internal, "a key without a thumbprint").Wrap(err)
	}
	return base64.RawURLEncoding.EncodeToString(sum), nil
}

// ECDSA gives an EC key's point. Errors: an [fault.Invalid] fault on "key".
func (k PublicJWK) ECDSA() (*ecdsa.PublicKey, error) {
	point := []byte{4}
	for _, text := range []string{k.X, k.Y} {
		b, err := base64.RawURLEncoding.Strict().DecodeString(text)
		if err != nil || len(b) != 32 {
			point = nil
			break
		}
		point = append(point, b...)
	}
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil || k.Kty != "EC" || k.Crv != "P-256" {
		return nil, fault.Field("key", "it is no ECDSA P-256 public key", "")
	}
	return public, nil
}

// VerifyES256 checks a signature as WebCrypto makes it: ECDSA with SHA-256, r and
// s of 32 bytes each, in base64url without padding. Errors: an [fault.Invalid]
// fault.
func VerifyES256(public *ecdsa.PublicKey, data []byte, signature string) error {
	sig, err := base64.RawURLEncoding.Strict().DecodeString(signature)
	if err != nil || jwt.SigningMethodES256.Verify(string(data), sig, public) != nil {
		return errSignature
	}
	return nil
}
