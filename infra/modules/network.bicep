metadata description = 'A network for the app and the private endpoints, and the private DNS zones that the endpoints register in.'

param name string
param location string
param tags object
param addressPrefix string

@description('Who the subnet of the app is lent to: Microsoft.App/environments or Microsoft.Web/serverFarms.')
param appDelegation string

@description('Private DNS zones, by what they resolve.')
param zoneNames object

// cidrSubnet counts in subnets of the new size: the first half for the app, then the first /27 of the second half.
var prefixLength = int(split(addressPrefix, '/')[1])
var appPrefix = cidrSubnet(addressPrefix, prefixLength + 1, 0)
var endpointPrefix = cidrSubnet(cidrSubnet(addressPrefix, prefixLength + 1, 1), 27, 0)

// Nothing from the internet comes in, whatever a later rule of the network says.
resource rules 'Microsoft.Network/networkSecurityGroups@2024-07-01' = {
  name: 'nsg-${name}'
  location: location
  tags: tags
  properties: {
    securityRules: [
      {
        name: 'DenyInternetInbound'
        properties: {
          access: 'Deny'
          direction: 'Inbound'
          priority: 4096
          protocol: '*'
          sourceAddressPrefix: 'Internet'
          sourcePortRange: '*'
          destinationAddressPrefix: '*'
          destinationPortRange: '*'
        }
      }
    ]
  }
}

resource network 'Microsoft.Network/virtualNetworks@2024-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: [addressPrefix] }
    subnets: [
      {
        name: 'app'
        properties: {
          addressPrefix: appPrefix
          networkSecurityGroup: { id: rules.id }
          delegations: [
            {
              name: 'app'
              properties: { serviceName: appDelegation }
            }
          ]
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: endpointPrefix
          networkSecurityGroup: { id: rules.id }
          privateEndpointNetworkPolicies: 'Enabled'
        }
      }
    ]
  }

  resource appSubnet 'subnets' existing = {
    name: 'app'
  }

  resource endpointSubnet 'subnets' existing = {
    name: 'endpoints'
  }
}

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for zone in items(zoneNames): {
    name: zone.value
    location: 'global'
    tags: tags
  }
]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (zone, index) in items(zoneNames): {
    parent: zones[index]
    name: name
    location: 'global'
    tags: tags
    properties: {
      registrationEnabled: false
      virtualNetwork: { id: network.id }
    }
  }
]

output appSubnetId string = network::appSubnet.id
output endpointSubnetId string = network::endpointSubnet.id
output zoneIds object = toObject(
  items(zoneNames),
  zone => zone.key,
  zone => resourceId('Microsoft.Network/privateDnsZones', zone.value)
)
