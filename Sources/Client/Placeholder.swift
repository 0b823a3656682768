// Placeholder: removed by the commit that fills this layer.
