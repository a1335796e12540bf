package agreement

import (
	"crypto/ed25519"
	"time"

	"hezuo/matching"
)

const (
	counterAlgorithm = "EdDSA"
	counterType      = "hezuo-agreement-countersignature+jws"
	statementType    = "hezuo.agreement-countersignature"
)

// Countersignature is the house's: a JWS over its [Statement].
type Countersignature struct {
	Key       JWK    `json:"key"`
	Payload   string `json:"payload"`   // base64url of the statement's canonical bytes
	Protected string `json:"protected"` // base64url
	Signature string `json:"signature"` // base64url
}

// counterHeader is its protected header: canonical JSON of exactly these fields.
type counterHeader struct {
	Algorithm string `json:"alg"`
	Key       string `json:"kid"`
	Type      string `json:"typ"`
}

// Statement is what the house says of an agreement: that these signatures were
// received at these times, from these keys of these people, under this contract.
type Statement struct {
	Type           string     `json:"type"`
	Version        int        `json:"version"`
	Agreement      string     `json:"agreement"`
	Handshake      string     `json:"handshake"`
	PayloadSHA256  string     `json:"payload_sha256"`  // of the contract's canonical bytes, hex
	Signatures     []Received `json:"signatures"`      // employer, owner
	BindingsSHA256 string     `json:"bindings_sha256"` // of the two bindings' canonical JSON array, hex
	SignedAt       time.Time  `json:"signed_at"`       // when the second signature was received
}

// Received is one signature as the house received it (电子签名法 6: who, for whom,
// when).
type Received struct {
	Role   matching.Role `json:"role"`
	Party  string        `json:"party"`
	Person string        `json:"person"`
	// SHA256 is of the signature as a detached compact JWS (RFC 7515, appendix F):
	// protected + ".." + signature; hex.
	SHA256 string    `json:"sha256"`
	At     time.Time `json:"at"`
}

// detached gives a signature in the form that [Received] hashes.
func detached(protected, signature string) []byte { return []byte(protected + ".." + signature) }

// countersign signs a statement with the house's key.
func countersign(private ed25519.PrivateKey, key JWK, s Statement) (Countersignature, error) {
	header, err := canonical(counterHeader{counterAlgorithm, key.Kid, counterType})
	if err != nil {
		return Countersignature{}, err
	}
	payload, err := canonical(s)
	if err != nil {
		return Countersignature{}, err
	}
	c := Countersignature{Key: key, Payload: b64(payload), Protected: b64(header)}
	c.Signature = b64(ed25519.Sign(private, signingInput(c.Protected, c.Payload)))
	return c, nil
}

// verify checks a countersignature by the key that it carries, and gives what it
// says. Whether that key is the house's is another question.
func (c *Countersignature) verify() (Statement, error) {
	none := Statement{}
	public, err := c.Key.ed25519()
	if err != nil {
		return none, err
	}
	b, err := unb64(c.Protected)
	if err != nil {
		return none, err
	}
	h, err := decode[counterHeader](b, maxHeader)
	if err != nil {
		return none, err
	}
	if h != (counterHeader{counterAlgorithm, c.Key.Kid, counterType}) {
		return none, flaw("会签头与平台密钥不符", "the countersignature's header does not fit the house's key")
	}
	signature, err := unb64(c.Signature)
	if err != nil {
		return none, err
	}
	if !ed25519.Verify(public, signingInput(c.Protected, c.Payload), signature) {
		return none, flaw("会签与平台密钥和内容不符", "the countersignature does not fit the house's key and what it says")
	}
	if b, err = unb64(c.Payload); err != nil {
		return none, err
	}
	s, err := decode[Statement](b, maxContract)
	if err != nil {
		return none, err
	}
	if s.Type != statementType || s.Version != version {
		return none, flaw("会签的版本未知", "the countersignature is of no known version")
	}
	return s, nil
}

// ed25519 gives the house's public key from the one form that version 1 has of it.
func (k JWK) ed25519() (ed25519.PublicKey, error) {
	public, err := unb64(k.X)
	if err != nil || len(public) != ed25519.PublicKeySize || k != platformJWK(public) {
		return nil, flaw("平台密钥不是规定形式的Ed25519公钥", "the house's key is no Ed25519 public key in the form agreed")
	}
	return public, nil
}

// platformJWK gives a public key of the house as it is published.
func platformJWK(public ed25519.PublicKey) JWK {
	k := JWK{Kty: "OKP", Crv: "Ed25519", X: b64(public), Use: "sig", Alg: counterAlgorithm}
	k.Kid = k.thumbprint()
	return k
}
