package vault

import "testing"

func TestMasks(t *testing.T) {
	for _, c := range []struct {
		mask     func(string) string
		in, want string
	}{
		{MaskPhone, "13812341234", "138****1234"},
		{MaskPhone, "", ""},
		{MaskPhone, "1381234123", "**********"},
		{MaskPhone, "+8613812341234", "**************"},
		{MaskPhone, "0635-123456", "***********"},
		{MaskPhone, "１３８", "***"},

		{MaskName, "张三", "张*"},
		{MaskName, "欧阳娜娜", "欧***"},
		{MaskName, " 张三 ", "张*"},
		{MaskName, "张", "*"},
		{MaskName, "", ""},
		{MaskName, "𠮷田", "𠮷*"},                     // outside the BMP
		{MaskName, "𬭼𫖯", "𬭼*"},                     // both outside
		{MaskName, "𪚥", "*"},                       // alone: nothing is shown
		{MaskName, "葛\U000E0100城", "葛\U000E0100*"}, // a variation selector belongs to its character
		{MaskName, "葛\U000E0100", "*"},
		{MaskName, "张三\U000E0100", "张*"},
		{MaskName, "买买提·吐尔逊", "买******"},
		{MaskName, "e\u0301va", "e\u0301**"},
		{MaskName, "\xff张三", "***"},
		{MaskName, "\U000E0100张", "*"},

		{MaskIdentity, "371502199001011234", "3****************4"},
		{MaskIdentity, "37150219900101123X", "3****************X"},
		{MaskIdentity, "37150219900101123x", "3****************x"},
		{MaskIdentity, "371502900101123", "***************"},
		{MaskIdentity, "37150219900101123Y", "******************"},
		{MaskIdentity, "37150219900101X23X", "******************"},
		{MaskIdentity, "", ""},
	} {
		if got := c.mask(c.in); got != c.want {
			t.Errorf("%q masked as %q, want %q", c.in, got, c.want)
		}
	}
}
