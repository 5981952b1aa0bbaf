package soapcheck

import (
	"strings"
	"testing"
)

const envelope = `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" ` +
	`xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:v="urn:vim25"><e:Body>%</e:Body></e:Envelope>`

func check(body string) error {
	_, err := Body([]byte(strings.Replace(envelope, "%", body, 1)))
	return err
}

// reconfigure is a ReconfigVM_Task with this in its spec.
func reconfigure(spec string) string {
	return `<ReconfigVM_Task xmlns="urn:vim25"><_this type="VirtualMachine">vm-1</_this><spec>` + spec + `</spec></ReconfigVM_Task>`
}

func TestGoodRequestsPass(t *testing.T) {
	for name, body := range map[string]string{
		"empty spec": reconfigure(``),
		"order":      reconfigure(`<changeVersion>1</changeVersion><numCPUs>2</numCPUs><memoryMB>1024</memoryMB>`),
		"options": reconfigure(`<extraConfig xsi:type="OptionValue"><key>a</key><value xsi:type="xsd:string">b</value></extraConfig>` +
			`<extraConfig xsi:type="v:OptionValue"><key>c</key><value xsi:type="xsd:int">3</value></extraConfig>`),
		"declared type": reconfigure(`<extraConfig><key>a</key><value xsi:type="xsd:string">b</value></extraConfig>`),
		"boolean":       reconfigure(`<cpuHotAddEnabled>true</cpuHotAddEnabled>`),
		"device": reconfigure(`<deviceChange xsi:type="VirtualDeviceConfigSpec"><operation>remove</operation>` +
			`<device xsi:type="VirtualVmxnet3"><key>4000</key></device></deviceChange>`),
	} {
		if err := check(body); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBadRequestsAreRefusedWithThePath(t *testing.T) {
	for name, c := range map[string]struct{ body, want string }{
		"order":       {reconfigure(`<memoryMB>1024</memoryMB><numCPUs>2</numCPUs>`), `"numCPUs" is out of the schema's order`},
		"unknown":     {reconfigure(`<numCpus>2</numCpus>`), `ReconfigVM_Task.spec: unknown element "numCpus"`},
		"twice":       {reconfigure(`<numCPUs>2</numCPUs><numCPUs>2</numCPUs>`), `more than once`},
		"number":      {reconfigure(`<numCPUs>two</numCPUs>`), `spec.numCPUs: "two"`},
		"too large":   {reconfigure(`<numCPUs>3000000000</numCPUs>`), `spec.numCPUs`},
		"no xsi:type": {reconfigure(`<extraConfig xsi:type="OptionValue"><key>a</key><value>b</value></extraConfig>`), `value: xsi:type is missing`},
		"base type":   {reconfigure(`<deviceChange><operation>add</operation><device><macAddress>m</macAddress></device></deviceChange>`), `unknown element "macAddress"`},
		"wrong type":  {reconfigure(`<extraConfig xsi:type="VirtualDisk"><key>1</key></extraConfig>`), `a VirtualDisk is not a OptionValue`},
		"enumeration": {reconfigure(`<deviceChange xsi:type="VirtualDeviceConfigSpec"><operation>delete</operation></deviceChange>`), `"delete"`},
		"required":    {reconfigure(`<extraConfig xsi:type="OptionValue"><key>a</key></extraConfig>`), `"value" is missing`},
		"text":        {reconfigure(`hello`), `text "hello"`},
		"no this":     {`<PowerOnVM_Task xmlns="urn:vim25"/>`, `"_this" is missing`},
		"bare moref":  {`<PowerOnVM_Task xmlns="urn:vim25"><_this>vm-1</_this></PowerOnVM_Task>`, `needs the attribute type`},
		"namespace":   {`<PowerOnVM_Task><_this type="VirtualMachine">vm-1</_this></PowerOnVM_Task>`, `namespace`},
		"method":      {`<PowerUp xmlns="urn:vim25"/>`, `no method "PowerUp"`},
		"not XML":     {`<PowerOnVM_Task`, `not well-formed`},
	} {
		err := check(c.body)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
}

func TestPropertyPaths(t *testing.T) {
	for path, want := range map[string]bool{
		"name": true, "config.extraConfig": true, `config.extraConfig["a.b"]`: true, `config.extraConfig["a.b"].value`: true,
		"config.hardware.device[4000].backing": true, "runtime.powerState": true, "customValue": true,
		"Name": false, "config.extraconfig": false, "config.hardware.device.key": false, "name.x": false, "": false, "name[1]": false,
	} {
		if got := Property("VirtualMachine", path); got != want {
			t.Errorf("%q: %v", path, got)
		}
	}
	if Property("VirtualMachines", "name") || !Property("Task", "info.state") || !Property("ListView", "view") {
		t.Error("types are not told apart")
	}
}

func TestWhatDriversSendIsReadAsGoReadsIt(t *testing.T) {
	extension := `<RegisterExtension xmlns="urn:vim25"><_this type="ExtensionManager">e</_this><extension><description><label>ä</label>` +
		`<summary>s</summary></description><key>k</key><version>1</version><lastHeartbeatTime>%</lastHeartbeatTime></extension></RegisterExtension>`
	for name, c := range map[string]struct{ body, sent, read string }{
		"a time without a zone": {extension, "2026-11-23T10:30:34.123456", "2026-11-23T10:30:34.123456Z"},
		"a time with one":       {extension, "2026-11-23T10:30:34+01:00", "2026-11-23T10:30:34+01:00"},
		"a float for a number":  {reconfigure(`<memoryMB>%</memoryMB><memoryHotAddEnabled>1</memoryHotAddEnabled>`), "1024.0", "1024"},
		"a number":              {reconfigure(`<memoryMB>%</memoryMB>`), "1024", "1024"},
	} {
		request := strings.Replace(envelope, "%", c.body, 1)
		got, err := Body([]byte(strings.Replace(request, "%", c.sent, 1)))
		if want := strings.Replace(request, "%", c.read, 1); err != nil || string(got) != want {
			t.Errorf("%s: %v\n%s\nnot\n%s", name, err, got, want)
		}
	}
	for name, body := range map[string]string{
		"no time":     strings.Replace(extension, "%", "yesterday", 1),
		"a half":      reconfigure(`<memoryMB>1024.5</memoryMB>`),
		"no fraction": reconfigure(`<memoryMB>1024.</memoryMB>`),
	} {
		if check(body) == nil {
			t.Errorf("%s passes", name)
		}
	}
}
