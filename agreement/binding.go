package agreement

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"hezuo/identity"
)

// JWK is a public key with nothing that is not needed (RFC 7517), in the form that
// version 1 froze.
type JWK struct {
	Kty string `json:"kty"` // EC or OKP
	Crv string `json:"crv"` // P-256 or Ed25519
	X   string `json:"x"`
	Y   string `json:"y,omitempty"` // of EC
	Kid string `json:"kid,omitempty"`
	Use string `json:"use,omitempty"`
	Alg string `json:"alg,omitempty"`
}

// thumbprint gives the key's RFC 7638 thumbprint.
func (k JWK) thumbprint() string {
	// The members that RFC 7638 asks for, in its order.
	b, err := json.Marshal(struct {
		Crv string `json:"crv"`
		Kty string `json:"kty"`
		X   string `json:"x"`
		Y   string `json:"y,omitempty"`
	}{k.Crv, k.Kty, k.X, k.Y})
	if err != nil {
		panic(fmt.Sprintf("agreement: thumbprint: %v", err)) // plain strings
	}
	h := sha256.Sum256(b)
	return b64(h[:])
}

// Binding states whose a device key was when it signed, since when and how that was
// proven: an [identity.Binding] in the form that version 1 froze. It holds no
// personal data.
type Binding struct {
	Person     string    `json:"person"`
	Thumbprint string    `json:"thumbprint"`
	Key        JWK       `json:"key"`
	Registered time.Time `json:"registered"`
	ActiveFrom time.Time `json:"active_from"`
	Proof      Proof     `json:"proof"`
}

// Proof is an [identity.KeyProof] in the form that version 1 froze.
type Proof struct {
	How        string `json:"how"` // first, vouched or waited
	Code       string `json:"code"`
	Possession string `json:"possession"`
	By         string `json:"by,omitempty"`
	Signature  string `json:"signature,omitempty"`
}

// keyDelay is how long a key of version 1 waits that nothing else speaks for.
const keyDelay = 24 * time.Hour

// bindingOf puts what identity states into the frozen form.
func bindingOf(b identity.Binding) Binding {
	return Binding{
		Person: b.Person, Thumbprint: b.Thumbprint,
		Key:        JWK{Kty: b.Key.Kty, Crv: b.Key.Crv, X: b.Key.X, Y: b.Key.Y},
		Registered: b.Registered.UTC(), ActiveFrom: b.ActiveFrom.UTC(),
		Proof: Proof{How: string(b.Proof.How), Code: b.Proof.Code, Possession: b.Proof.Possession, By: b.Proof.By, Signature: b.Proof.Signature},
	}
}

// challenge is what a device key signed to prove that its owner had it, and what an
// older key signed to vouch for it; see [identity.Challenge].
func (b *Binding) challenge() []byte {
	return []byte("hezuo device key\n" + b.Person + "\n" + b.Thumbprint + "\n" + b.Proof.Code)
}

// check refuses a statement that contradicts itself, or whose key did not prove
// itself. That the house made the statement is proven by the countersignature, and
// so is the word of an older key that vouched, which is not here.
func (b *Binding) check() error {
	if b.Person == "" || b.Key.Kid != "" || b.Key.Use != "" || b.Key.Alg != "" || b.Key.thumbprint() != b.Thumbprint {
		return flaw("密钥与其指纹不符", "the key is not that of its thumbprint")
	}
	if verifyES256(b.Key, b.challenge(), b.Proof.Possession) != nil {
		return flaw("登记密钥时的持有证明不成立", "the proof that whoever registered the key had it does not hold")
	}
	from := b.Registered
	switch b.Proof.How {
	case "first":
	case "vouched":
		if b.Proof.By == "" || b.Proof.Signature == "" {
			return flaw("密钥的担保证明不完整", "the key was vouched for by no key")
		}
	case "waited":
		from = from.Add(keyDelay)
	default:
		return flaw("密钥的证明方式未知", "the key was proven in no known way")
	}
	if b.ActiveFrom.Before(from) {
		return flaw("密钥在可用之前被使用", "the key was usable before its time")
	}
	return nil
}

// verifyES256 checks an ECDSA P-256 signature with SHA-256, r and s of 32 bytes
// each, in the one form of base64url.
func verifyES256(key JWK, data []byte, signature string) error {
	if _, err := unb64(signature); err != nil {
		return err
	}
	public, err := identity.PublicJWK{Kty: key.Kty, Crv: key.Crv, X: key.X, Y: key.Y}.ECDSA()
	if err != nil {
		return flaw("不是P-256公钥", "it is no public key of ECDSA P-256")
	}
	if identity.VerifyES256(public, data, signature) != nil {
		return flaw("签名与密钥和内容不符", "the signature does not fit the key and the content")
	}
	return nil
}
