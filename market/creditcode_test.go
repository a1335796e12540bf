package market

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"hezuo/fault"
)

// knownCreditCodes are public: the standard's own example with its right check
// character, and well-known companies'. All also fit the older check digit of
// the organisation code, by which they were chosen.
var knownCreditCodes = []string{
	"91350100M000100Y43", // GB 32100-2015's example
	"91110000600037341L", // the test number of python-stdnum
	"91110108551385082Q", // Xiaomi
	"91440300708461136T", // Tencent
	"914403001922038216", // Huawei
}

func TestValidateCreditCode(t *testing.T) {
	for _, code := range knownCreditCodes {
		if err := ValidateCreditCode(code); err != nil {
			t.Errorf("%s refused: %v", code, err)
		}
	}
	tests := []struct {
		name, code, message, fix string // parts of what is said
	}{
		{"empty", "", "has 0 characters", "Copy all 18"},
		{"short", "91110000600037341", "has 17 characters", "Copy all 18"},
		{"long", "91110000600037341LL", "has 19 characters", "Copy all 18"},
		{"long in bytes alone", "９1110000600037341L", "Character 1", "half width"},
		{"lower case", "91350100m000100Y43", "Character 9 of the credit code is 'm'", "capitals"},
		{"O for 0", "9111O000600037341L", "Character 5 of the credit code is 'O'", "look whether it is 0"},
		{"I for 1", "9I110000600037341L", "Character 2 of the credit code is 'I'", "look whether it is 1"},
		{"S for 5", "9111010855138S082Q", "Character 14 of the credit code is 'S'", "look whether it is 5"},
		{"Z for 2", "91440300Z08461136T", "Character 9 of the credit code is 'Z'", "look whether it is 2"},
		{"V for U", "91440300V08461136T", "Character 9 of the credit code is 'V'", "look whether it is U"},
		{"small o for 0", "9111o000600037341L", "Character 5 of the credit code is 'o'", "look whether it is 0"},
		{"space", "9111000 600037341L", "Character 8 of the credit code is ' '", "without spaces"},
		{"unseen mark", "\ufeff1110000600037341L", `Character 1 of the credit code is '\ufeff'`, "digits and capital letters"},
		{"not UTF-8", "\xff1110000600037341L", "Character 1 of the credit code is '\ufffd'", "digits and capital letters"},
		{"letter in the region", "91A10000600037341L", "Character 3 of the credit code is 'A'", "characters 3 to 8"},
		{"zeros", "000000000000000000", "begins with 0", "business licence"},
		{"wrong check", "91350100M000100Y4Y", "last character does not fit", "Compare all 18"},
		{"wrong inside", "91350100M000100Y34", "last character does not fit", "Compare all 18"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := ValidateCreditCode(tt.code)
			checkFault(t, err, "credit_code")
			f := fault.All(err)[0]
			if !strings.Contains(f.Message, tt.message) || !strings.Contains(f.Fix, tt.fix) {
				t.Errorf("said %q, %q, want %q, %q in them", f.Message, f.Fix, tt.message, tt.fix)
			}
		})
	}
}

func TestNormaliseCreditCode(t *testing.T) {
	const want = "91350100M000100Y43"
	for _, s := range []string{
		want,
		"  91350100m000100y43\n",
		"９１３５０１００Ｍ０００１００Ｙ４３",
		"９１３５０１００ｍ０００１００ｙ４３",
		"913501 00M000 100Y43",
		"91350100　M000100Y43", // the full-width space
		"\u200b91350100M000100Y43\ufeff",
	} {
		if got := NormaliseCreditCode(s); got != want {
			t.Errorf("NormaliseCreditCode(%q) = %q", s, got)
		}
	}
	if got := NormaliseCreditCode("9135O100"); got != "9135O100" {
		t.Errorf("a wrong character was corrected silently: %q", got)
	}
}

func TestIsCooperativeCode(t *testing.T) {
	for code, want := range map[string]bool{
		"93371522MA3C000000": true,
		"91350100M000100Y43": false,
		"92371522MA3C000000": false,
		"9":                  false,
		"":                   false,
	} {
		if got := IsCooperativeCode(code); got != want {
			t.Errorf("IsCooperativeCode(%q) = %v", code, got)
		}
	}
}

func TestCreditCodeCheck(t *testing.T) {
	for _, code := range knownCreditCodes {
		if got, err := CreditCodeCheck(code[:17]); err != nil || got != code[17] {
			t.Errorf("CreditCodeCheck(%s) = %c, %v", code[:17], got, err)
		}
	}
	for _, s := range []string{"", "9", "91350100M000100Y43", "91350100M000100YI", "91350100M000100Y\xff", "00000000000000000"} {
		_, err := CreditCodeCheck(s)
		checkFault(t, err, "credit_code")
	}
}

// creditCode draws valid codes.
var creditCode = rapid.Custom(func(t *rapid.T) string {
	letters := []rune(creditCodeAlphabet)
	first17 := rapid.StringOfN(rapid.RuneFrom(letters[1:]), 1, 1, 1).Draw(t, "authority") +
		rapid.StringOfN(rapid.RuneFrom(letters), 1, 1, 1).Draw(t, "class") +
		rapid.StringOfN(rapid.RuneFrom(letters[:10]), 6, 6, 6).Draw(t, "region") +
		rapid.StringOfN(rapid.RuneFrom(letters), 9, 9, 9).Draw(t, "organisation")
	check, err := CreditCodeCheck(first17)
	if err != nil {
		t.Fatal(err)
	}
	return first17 + string(check)
})

func TestCreditCodeFindsSlips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		code := creditCode.Draw(t, "code")
		if err := ValidateCreditCode(code); err != nil {
			t.Fatal(err)
		}
		if got := NormaliseCreditCode(strings.ToLower(code)); got != code {
			t.Fatalf("%s was normalised to %s", code, got)
		}
		// The scheme finds all of these, as 31 is prime, no weight is a
		// multiple of it, and no two neighbours' weights are the same.
		for i := range len(code) {
			for _, c := range []byte(creditCodeAlphabet + "IOSVZ az-") {
				if c != code[i] && ValidateCreditCode(code[:i]+string(c)+code[i+1:]) == nil {
					t.Fatalf("%s passed with %c at %d", code, c, i)
				}
			}
			if i > 0 && code[i-1] != code[i] && ValidateCreditCode(code[:i-1]+code[i:i+1]+code[i-1:i]+code[i+1:]) == nil {
				t.Fatalf("%s passed with characters %d and %d swapped", code, i, i+1)
			}
		}
	})
}

func FuzzCreditCode(f *testing.F) {
	for _, code := range knownCreditCodes {
		f.Add(code)
	}
	f.Add("000000000000000000")
	f.Add("９１３５０１００ｍ０００１００ｙ４３")
	f.Add("\xff\ufeff ſı")
	f.Fuzz(func(t *testing.T, s string) {
		normal := NormaliseCreditCode(s)
		if again := NormaliseCreditCode(normal); again != normal {
			t.Errorf("%q was normalised to %q and then %q", s, normal, again)
		}
		err := ValidateCreditCode(s)
		if err != nil {
			checkFault(t, err, "credit_code")
			return
		}
		check, err := CreditCodeCheck(s[:17])
		if normal != s || len(s) != 18 || s[0] == '0' || strings.Trim(s, creditCodeAlphabet) != "" || err != nil || check != s[17] {
			t.Errorf("%q passed", s)
		}
		// An independent form of the same sum.
		sum, weight := strings.IndexByte(creditCodeAlphabet, s[17]), 1
		for i := range 17 {
			sum += weight * strings.IndexByte(creditCodeAlphabet, s[i])
			weight *= 3 // 31 × 3^16 × 17 fits an int of 64 bits
		}
		if sum%31 != 0 {
			t.Errorf("%q passed and does not sum to a multiple of 31", s)
		}
	})
}
