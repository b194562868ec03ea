//! Which members of a workflow say what runs, and which only how it looks.

/// What a member is to a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// It is told by a part of its own: nodes, widgets, links.
    Told,
    /// Where something stands and how it looks, and what the editor counts: `pos`, `last_node_id`.
    Layout,
    /// Anything else. It is shown with its name, because nobody knows what it does.
    Content,
}

/// A member of the file, or of a subgraph's or a group node's definition.
pub(super) fn of_graph(key: &str) -> Role {
    match key {
        "nodes" | "links" | "definitions" | "extra" | "components" | "inputs" | "outputs" => Role::Told,
        "id" | "revision" | "last_node_id" | "last_link_id" | "groups" | "config" | "version" | "state"
        | "floatingLinks" | "reroutes" | "inputNode" | "outputNode" | "widgets" | "seed_widgets" | "widget_idx_map"
        | "packname" | "pos" | "size" | "color" => Role::Layout,
        _ => Role::Content,
    }
}

/// A member of `extra`, which is the editor's own, and that of its extensions.
pub(super) fn of_extra(key: &str) -> Role {
    match key {
        crate::workflow::KEY | "groupNodes" => Role::Told,
        _ => Role::Layout,
    }
}

/// A member of a node.
pub(super) fn of_node(key: &str) -> Role {
    match key {
        "type" | "class_type" | "mode" | "title" | "widgets_values" | "inputs" | "outputs" | "properties" | "_meta" => {
            Role::Told
        }
        "id"
        | "index"
        | "pos"
        | "size"
        | "flags"
        | "order"
        | "color"
        | "bgcolor"
        | "boxcolor"
        | "shape"
        | "locked"
        | "showAdvanced"
        | "localized_name"
        | "widgets_values_named"
        | "is_changed" => Role::Layout,
        _ => Role::Content,
    }
}

/// A member of a node's `properties`. Which version of a pack saved the node is no change of the workflow.
pub(super) fn of_property(key: &str) -> Role {
    match key {
        "ver"
        | "cnr_id"
        | "aux_id"
        | "ue_properties"
        | "widget_ue_connectable"
        | "Node name for S&R"
        | "enableTabs"
        | "tabWidth"
        | "tabXOffset"
        | "hasSecondTab"
        | "secondTabText"
        | "secondTabOffset"
        | "secondTabWidth"
        | "showOutputText"
        | "horizontal"
        | "previewMediaType" => Role::Layout,
        _ => Role::Content,
    }
}
