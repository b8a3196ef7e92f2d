//! Variables of rule headers.

use std::collections::BTreeMap;

/// Variables of rule headers (`$HOME_NET`, `$HTTP_PORTS`), by name without the dollar sign.
#[derive(Clone, Debug, Default)]
pub struct Variables {
    /// Address variables.
    pub addresses: BTreeMap<String, String>,
    /// Port variables.
    pub ports: BTreeMap<String, String>,
}

impl Variables {
    /// The variables of the configuration that Suricata ships, with its values.
    pub fn suricata_defaults() -> Self {
        let home = "$HOME_NET";
        let addresses = [
            ("HOME_NET", "[192.168.0.0/16,10.0.0.0/8,172.16.0.0/12]"),
            ("EXTERNAL_NET", "!$HOME_NET"),
            ("HTTP_SERVERS", home),
            ("SMTP_SERVERS", home),
            ("SQL_SERVERS", home),
            ("DNS_SERVERS", home),
            ("TELNET_SERVERS", home),
            ("AIM_SERVERS", "$EXTERNAL_NET"),
            ("DC_SERVERS", home),
            ("DNP3_SERVER", home),
            ("DNP3_CLIENT", home),
            ("MODBUS_CLIENT", home),
            ("MODBUS_SERVER", home),
            ("ENIP_CLIENT", home),
            ("ENIP_SERVER", home),
        ];
        let ports = [
            ("HTTP_PORTS", "80"),
            ("SHELLCODE_PORTS", "!80"),
            ("ORACLE_PORTS", "1521"),
            ("SSH_PORTS", "22"),
            ("DNP3_PORTS", "20000"),
            ("MODBUS_PORTS", "502"),
            ("FILE_DATA_PORTS", "[$HTTP_PORTS,110,143]"),
            ("FTP_PORTS", "21"),
            ("GENEVE_PORTS", "6081"),
            ("VXLAN_PORTS", "4789"),
            ("TEREDO_PORTS", "3544"),
        ];
        let owned = |(name, value): (&str, &str)| (name.to_string(), value.to_string());
        Self {
            addresses: addresses.into_iter().map(owned).collect(),
            ports: ports.into_iter().map(owned).collect(),
        }
    }
}
