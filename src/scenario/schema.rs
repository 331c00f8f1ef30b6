//! The JSON schema of scenario files, for editors.

use super::ScenarioFile;
use schemars::{Schema, schema_for};

/// The JSON schema of a scenario file.
pub fn scenario_schema() -> Schema {
    schema_for!(ScenarioFile)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_knows_keys_and_refuses_others() {
        let schema = scenario_schema();
        let schema = schema.as_value();
        for path in [
            "/properties/until",
            "/properties/cluster",
            "/properties/objects/items",
            "/$defs/ApplicationParams/properties/ready_after/description",
            "/$defs/ContainerManifest/properties/livenessProbe",
            "/$defs/NodeGroup/properties/ephemeral_storage/description",
            "/$defs/PodManifest/properties/initContainers",
            "/$defs/PodManifest/properties/dnsPolicy",
            "/$defs/TraceWorkload/properties/lost_pods",
            "/$defs/TraceWorkload/properties/pods",
        ] {
            assert!(schema.pointer(path).is_some(), "{path} is missing in {schema:#}");
        }
        assert_eq!(schema["additionalProperties"], false);
    }
}
