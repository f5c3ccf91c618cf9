package taxonomy

import "strings"

// WindowsService gives the name by which SigmaHQ's rules call a channel, and an empty text for a channel that none of them
// names. Exported logs can lack the channel: then the provider decides.
func WindowsService(channel, provider string) string {
	if service := channelService(strings.ToLower(channel)); service != "" {
		return service
	}
	if channel != "" {
		return ""
	}
	return providerService(strings.ToLower(provider))
}

func channelService(channel string) string {
	switch channel {
	case "security", "application", "system":
		return channel
	case "windows powershell":
		return servicePowerShellClassic
	case "dns server":
		return "dns-server"
	case "msexchange management":
		return "msexchange-management"
	case "openssh/operational":
		return "openssh"
	case "powershellcore/operational":
		return servicePowerShell
	case "microsoft-iis-configuration/operational":
		return "iis-configuration"
	case "microsoft-servicebus-client", "microsoft-servicebus-client/admin", "microsoft-servicebus-client/operational":
		return "microsoft-servicebus-client"
	}
	if name, ok := strings.CutPrefix(channel, "microsoft-windows-"); ok {
		return windowsChannelService(name)
	}
	return ""
}

// windowsChannelService takes the name of a channel without its "microsoft-windows-". A few channels have been spelt in two
// ways, in Windows itself or in the rules.
func windowsChannelService(name string) string {
	switch name {
	case "sysmon/operational":
		return serviceSysmon
	case "powershell/operational":
		return servicePowerShell
	case "windows defender/operational":
		return "windefend"
	case "taskscheduler/operational":
		return "taskscheduler"
	case "wmi-activity/operational":
		return "wmi"
	case "dns-client/operational", "dns client events/operational":
		return "dns-client"
	case "dnsserver/analytical", "dns-server/analytical":
		return "dns-server-analytic"
	case "dnsserver/audit", "dns-server/audit":
		return "dns-server-audit"
	case "driverframeworks-usermode/operational":
		return "driver-framework"
	case "ntlm/operational":
		return "ntlm"
	case "smbclient/security":
		return "smbclient-security"
	case "smbclient/connectivity":
		return "smbclient-connectivity"
	case "smbserver/connectivity":
		return "smbserver-connectivity"
	case "bits-client/operational":
		return "bits-client"
	case "codeintegrity/operational":
		return "codeintegrity-operational"
	case "windows firewall with advanced security/firewall":
		return "firewall-as"
	case "applocker/exe and dll", "applocker/msi and script", "applocker/packaged app-deployment", "applocker/packaged app-execution":
		return "applocker"
	case "appxdeploymentserver/operational", "appxdeployment-server/operational":
		return "appxdeployment-server"
	case "appxpackaging/operational":
		return "appxpackaging-om"
	case "appmodel-runtime/admin":
		return "appmodel-runtime"
	case "printservice/admin":
		return "printservice-admin"
	case "printservice/operational":
		return "printservice-operational"
	case "terminalservices-localsessionmanager/operational":
		return "terminalservices-localsessionmanager"
	case "diagnosis-scripted/operational":
		return "diagnosis-scripted"
	case "security-mitigations/kernel mode", "security-mitigations/user mode":
		return "security-mitigations"
	case "certificateservicesclient-lifecycle-system/operational":
		return "certificateservicesclient-lifecycle-system"
	case "kernel-shimengine/operational", "kernel-shimengine/diagnostic":
		return "kernel-shimengine"
	case "kernel-eventtracing/admin", "kernel-eventtracing/analytic":
		return "kernel-event-tracing"
	case "hyper-v-worker-admin", "hyper-v-worker/admin", "hyper-v-worker-operational", "hyper-v-worker":
		return "hyper-v-worker"
	case "dhcp-server/operational":
		return "dhcp"
	case "vhdmp-operational", "vhdmp/operational":
		return "vhdmp"
	case "lsa/operational":
		return "lsa-server"
	case "ldap-client/debug":
		return "ldap"
	case "bitlocker/bitlocker management":
		return "bitlocker"
	case "shell-core/operational":
		return "shell-core"
	case "capi2/operational":
		return "capi2"
	case "sense/operational":
		return "sense"
	case "ntfs/operational":
		return "ntfs"
	}
	return ""
}

// providerService names the service of providers that write to one channel only, and of those that write to System or
// Application and stand for it.
func providerService(provider string) string {
	switch provider {
	case "microsoft-windows-sysmon":
		return serviceSysmon
	case "microsoft-windows-security-auditing", "microsoft-windows-eventlog":
		return serviceSecurity
	case "microsoft-windows-powershell", "powershellcore":
		return servicePowerShell
	case "powershell":
		return servicePowerShellClassic
	case "service control manager", "microsoft-windows-kernel-general", "microsoft-windows-kernel-power", "netlogon":
		return "system"
	case "msiinstaller", "application error", "windows error reporting", "mssqlserver", "esent":
		return "application"
	case "microsoft-windows-windows defender":
		return "windefend"
	case "microsoft-windows-taskscheduler":
		return "taskscheduler"
	case "microsoft-windows-wmi-activity":
		return "wmi"
	case "microsoft-windows-dns-client":
		return "dns-client"
	case "microsoft-windows-bits-client":
		return "bits-client"
	case "microsoft-windows-codeintegrity":
		return "codeintegrity-operational"
	case "microsoft-windows-windows firewall with advanced security":
		return "firewall-as"
	case "microsoft-windows-applocker":
		return "applocker"
	case "microsoft-windows-ntlm":
		return "ntlm"
	case "openssh":
		return "openssh"
	}
	return ""
}

// WindowsServices gives every service that WindowsService knows, in alphabetical order.
func WindowsServices() []string {
	return []string{
		"application", "applocker", "appmodel-runtime", "appxdeployment-server", "appxpackaging-om", "bitlocker", "bits-client",
		"capi2", "certificateservicesclient-lifecycle-system", "codeintegrity-operational", "dhcp", "diagnosis-scripted",
		"dns-client", "dns-server", "dns-server-analytic", "dns-server-audit", "driver-framework", "firewall-as",
		"hyper-v-worker", "iis-configuration", "kernel-event-tracing", "kernel-shimengine", "ldap", "lsa-server",
		"microsoft-servicebus-client", "msexchange-management", "ntfs", "ntlm", "openssh", "powershell", "powershell-classic",
		"printservice-admin", "printservice-operational", "security", "security-mitigations", "sense", "shell-core",
		"smbclient-connectivity", "smbclient-security", "smbserver-connectivity", "sysmon", "system", "taskscheduler",
		"terminalservices-localsessionmanager", "vhdmp", "windefend", "wmi",
	}
}
