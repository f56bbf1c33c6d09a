/** Whether a call has what EC2 wants of it. Source: EC2 API Reference, ImportSnapshot, RegisterImage, DescribeImages. */
export function isAsDocumented(action: string, form: URLSearchParams): boolean {
  const value = (key: string): string => form.get(key) ?? ''
  const wanted: Record<string, boolean[]> = {
    ImportSnapshot: [
      /^[\x21-\x7e]{1,64}$/.test(value('ClientToken')),
      value('DiskContainer.Format') === 'RAW',
      value('RoleName') === 'vmimport',
    ],
    RegisterImage: [
      value('Architecture') === 'x86_64',
      value('VirtualizationType') === 'hvm',
      value('RootDeviceName') === value('BlockDeviceMapping.1.DeviceName'),
      value('TagSpecification.1.ResourceType') === 'image',
    ],
    // Without an owner, images of strangers are found by their name.
    DescribeImages: [form.has('ImageId.1') || value('Owner.1') === 'self'],
  }
  return value('Version') === '2016-11-15' && (wanted[action] ?? []).every(Boolean)
}
